"""Methods that make labels for the pixels without scribbles."""

from dataclasses import replace
from typing import Any, Dict

from .conditions import EARLIER, LENGTHS, MBV2_R101, SCRIBBLE_SEMI, VOC_VIT, WITH_EARLIER, scribble_recipes
from .parts import BOTH, LARGER_BATCH, STRONG, teacher
from .rows import Code, Leaf, Method, Variant
from .scribbles import FIRST, RESULTS, SOFT, pictures

TABLE_3_RELAXATIONS = ('bilinear', 'normalized_quadratic', 'quadratic', 'collision_cross_entropy', 'log_quadratic')
# By length of the scribbles: error rate and weight of the unary potential.
CUTS = zip(LENGTHS, ((0.944, 0.05), (0.946, 0.075), (0.9514, 0.1), (0.9516, 0.1), (0.9522, 0.1)))
HARD_SELF_LABELING = Method(
    'hard_self_labeling',
    'HardSelfLabeling',
    'Hard self-labeling',
    ('Robust Trust Region for Weakly Supervised Segmentation', 'https://arxiv.org/abs/2104.01948'),
    scribble_recipes(MBV2_R101)[:3],
    on={
        'scribble': dict(model=dict(self_labeling=dict(potts_weight=100.0)), **FIRST, **pictures(9.0)),
        **{
            f'voc-scribble_{length}': dict(model=dict(error_rate=rate, self_labeling=dict(unary_weight=weight)))
            for length, (rate, weight) in CUTS
        },
        'scribble-cpu': dict(
            note='With C classes an error rate has to be below 1 - 1 / C, 0.909 for 11.',
            model=dict(
                error_rate=0.5,
                self_labeling=dict(unary_weight=1.0, potts_weight=6.0, connectivity=4, max_iterations=2),
            ),
        ),
        'msrc21-scribble': dict(
            note="Weights of labels: chosen by the labels of val's photos, when trained with scribbles alone.",
            model=dict(self_labeling=dict(unary_weight=0.5, potts_weight=100.0, connectivity=8, max_iterations=5)),
        ),
    },
    lists={'camvid-scribble': LENGTHS[:1], 'r101 voc-scribble': LENGTHS[:1]},
    prefix='hard-self-labeling',
    results=RESULTS,
)


def soft_variant(name: str, leaf: Leaf, data: str, lists: tuple = LENGTHS[:1], **options: Any) -> Variant:
    """Make a variant of soft self-labeling, mostly on MobileNetV2."""
    here: Dict[str, Any] = {'networks': ('mbv2',), **options}
    return Variant(name, leaf, (data,), lists, **here)


TABLE_3 = {name.replace('_', '-'): dict(relaxation=name) for name in TABLE_3_RELAXATIONS}
FIGURE_5 = {f'ce-{kind}': dict(cross_entropy=kind) for kind in ('standard', 'reverse')}
SCRIBBLED_CLASSES = dict(potts_weight=400.0, bandwidth=50.0, only_seeded_classes=True)
DENSE_QUADRATIC = dict(_delete_=True, neighborhood='dense', relaxation='quadratic', eta=0.3, potts_weight=6.0)
SOFT_SELF_LABELING = Method(
    'soft_self_labeling',
    'SoftSelfLabeling',
    'Soft self-labeling',
    SOFT,
    (*scribble_recipes(WITH_EARLIER), replace(VOC_VIT, networks=(), only_variants=('vit',))),
    leaf=dict(model=dict(self_labeling=dict(eta=0.3, potts_weight=6.0, bandwidth=9.0))),
    on={
        'scribble': dict(**FIRST, **pictures(9.0)),
        'scribble-vit': pictures(9.0),
        'block': dict(model=dict(self_labeling=dict(bandwidth=3.0)), **FIRST, **pictures(3.0)),
        'scribble-cpu': dict(
            note="The paper's ratio; eta was chosen on val with this solver: beside hard pixels, 0.3 is little.",
            model=dict(self_labeling=dict(eta=1.0, potts_weight=20.0, solver='multiplicative')),
        ),
        'msrc21-scribble': dict(
            note='Every class of a photo is scribbled. Weight, bandwidth and start of self-labeling: chosen on val.',
            model=dict(self_labeling=SCRIBBLED_CLASSES),
        ),
    },
    lists={f'{net} voc-scribble': LENGTHS[:1] for net in ('r101', *EARLIER)},
    variants=(
        *(
            soft_variant(name, dict(model=dict(self_labeling=options)), data, lists)
            for name, options in {**TABLE_3, **FIGURE_5}.items()
            for data, lists in (('voc-scribble', LENGTHS), ('camvid-scribble', LENGTHS[:1]))
        ),
        *(
            soft_variant(
                f'quadratic_{name}',
                dict(model=dict(self_labeling=options)),
                'voc-scribble',
                LENGTHS,
                of='quadratic',
                note="Figure 5 with Table 4's pairwise term; which one it has could not be read.",
            )
            for name, options in FIGURE_5.items()
        ),
        soft_variant(
            'quadratic_steps-100',
            dict(model=dict(self_labeling=dict(solver='gd', steps=100))),
            'voc-scribble',
            of='quadratic',
            note="Half of the paper's steps: it reports 0.72 less.",
        ),
        soft_variant(
            'quadratic_dense',
            dict(model=dict(self_labeling=DENSE_QUADRATIC)),
            'voc-scribble',
            note='All pairs at 64 cells along the longer side.',
        ),
        soft_variant('no-pretrain', dict(load_from=None), 'voc-scribble', networks=MBV2_R101),
        soft_variant('no-pretrain', {}, 'voc-scribble', networks=('vit',), whole=True),
        soft_variant('no-pretrain', dict(custom_hooks=[]), 'camvid-scribble'),
        soft_variant(
            'one-run',
            dict(
                load_from=None,
                custom_hooks=[
                    Code('*_base_.custom_hooks'),
                    dict(type='StageHook', starts=dict(pretrain=0, full=Code('1 / 6'))),
                ],
            ),
            'voc-scribble',
            networks=MBV2_R101,
            note='Scribbles alone for the first sixth, in one run with one schedule.',
        ),
        soft_variant('bs16', LARGER_BATCH, 'voc-scribble', networks=('r101',), batch=16),
        soft_variant(
            'no-pretrain_bs16', LARGER_BATCH, 'voc-scribble', networks=('r101', 'vit'), of='no-pretrain', batch=16
        ),
    ),
    prefix='soft-self-labeling',
    results=RESULTS,
)
SCRIBBLE_MEAN_TEACHER = Method(
    'scribble_mean_teacher',
    'ScribbleMeanTeacher',
    'Mean teacher with scribbles',
    SOFT,
    SCRIBBLE_SEMI,
    leaf=dict(
        model=dict(
            unsup_weight=10.0,
            **BOTH,
            self_labeling=dict(eta=1.0, potts_weight=20.0, bandwidth=9.0, solver='multiplicative'),
            data_preprocessor=STRONG,
        ),
        ramp=dict(type='UnsupRampHook', begin=0.25, end=0.5),
        custom_hooks=[teacher(0.01), Code('ramp'), Code('*_base_.custom_hooks')],
    ),
    on={'msrc21-scribble-semi': dict(model=dict(self_labeling=SCRIBBLED_CLASSES))},
    prefix='scribble-mean-teacher',
    results=RESULTS,
)
