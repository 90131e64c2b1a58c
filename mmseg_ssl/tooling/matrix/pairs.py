"""Two networks that teach each other."""

from dataclasses import replace

from .conditions import CAMVID_10K, CITYSCAPES, CPU, OF_CPS, OF_UNIMATCH_V2_16, SHAPES, VOC_CLASSIC, VOC_CPS
from .parts import EVERY_CLASS, LOCALIZERS, RAMP, SEPARATE, TWO, release
from .rows import Code, Method, Variant

CPS = Method(
    'cps',
    'CPS',
    'CPS',
    ('Semi-Supervised Semantic Segmentation with Cross Pseudo Supervision', 'https://arxiv.org/abs/2106.01226'),
    (*CPU, *OF_CPS),
    leaf=dict(model=dict(unsup_weight=1.0, cutmix={}), train_dataloader=TWO),
    on={
        'cpu': dict(model=dict(unsup_weight=5.0, predict_on=('student', 'peer')), custom_hooks=[RAMP]),
        'msrc21': dict(model=dict(unsup_weight=1.0)),
        'cityscapes': dict(model=dict(unsup_weight=5.0)),
    },
    variants=(
        release(dict(model=SEPARATE), 'As the public code with CutMix, which calls a network per batch.'),
        *(
            Variant(
                'cutmix-off',
                dict(
                    model=dict(cutmix=None, unsup_weight=weight),
                    train_dataloader=dict(dataset=dict(unlabeled_per_labeled=1)),
                ),
                data,
            )
            for weight, data in ((6.0, ('camvid', 'cityscapes')), (1.5, ('voc',)))
        ),
        *(
            Variant(
                'located',
                dict(model=dict(type='LocatedCPS', localizer=Code('_base_.localizer'))),
                data,
                lists,
                bases=LOCALIZERS,
                note="each network's label is kept where ELN's localizer calls it right",
            )
            for data, lists in ((('camvid',), ()), (('voc',), ('1-8',)))
        ),
    ),
)
EACH = dict(predict_on=('conservative', 'progressive'))
PLAIN_HEAD = Variant(
    'plain-head',
    {},
    ('cityscapes', 'voc'),
    ('1-8',),
    ('r50-plain',),
    whole=True,
    note="The public code's own head, with which the papers' numbers were made.",
)
OF_CPCL = (
    *(replace(recipe, only_variants=('r50-plain',)) for recipe in (CITYSCAPES, VOC_CPS)),
    VOC_CLASSIC,
)
CPCL = Method(
    'cpcl',
    'CPCL',
    'CPCL',
    (
        'Conservative-Progressive Collaborative Learning for Semi-supervised Semantic Segmentation',
        'https://arxiv.org/abs/2211.16701',
    ),
    (*CPU, CAMVID_10K, *OF_CPCL),
    leaf=dict(model=dict(unsup_weight=1.0), train_dataloader=TWO),
    on={
        'cpu': dict(model=dict(unsup_weight=5.0, **EACH), custom_hooks=[RAMP]),
        'msrc21': dict(model=dict(unsup_weight=1.0)),
        'camvid-480x360': dict(model=EACH),
        'cityscapes': dict(model=dict(unsup_weight=5.0)),
    },
    variants=(release(dict(model=SEPARATE), 'As the public code, which calls a network per batch.'), PLAIN_HEAD),
)
RELEASED_ALEATORIC, RELEASED_ENERGY = dict(type='ReleaseAleatoricTerm'), dict(type='ReleaseEnergyTerm')


def measured(**options: object) -> dict:
    """Return the terms of our own recipes; which one the energy is was chosen on CamVid."""
    return dict(terms=dict(aleatoric=options, energy=dict(type='EnergyWeighting')))


OF_TERMS = {'': Code('terms')}
DUEB = Method(
    'dueb',
    'DUEB',
    'DUEB',
    (
        'Uncertainty and Energy based Loss Guided Semi-Supervised Semantic Segmentation',
        'https://arxiv.org/abs/2501.01640',
    ),
    (*CPU, CAMVID_10K, SHAPES, *OF_CPCL, *OF_UNIMATCH_V2_16),
    leaf=dict(model=dict(unsup_weight=1.0), train_dataloader=TWO),
    on={
        'cpu': dict(
            note='sample_stride: of all pixels the Monte-Carlo samples would cost as much as the network.',
            model=dict(OF_TERMS, unsup_weight=5.0, **EACH),
            custom_hooks=[RAMP],
            **measured(sample_stride=2),
        ),
        'msrc21': dict(model=dict(unsup_weight=1.0)),
        'camvid-480x360': dict(
            note='sample_stride: 80x80 pixels of a crop, about as many as at 240x180.',
            model=dict(OF_TERMS, **EACH),
            **measured(sample_stride=4),
        ),
        'shapes': dict(
            model=dict(OF_TERMS, side_heads=dict(energy=dict(type='EnergyHead'))),
            **EVERY_CLASS,
            **measured(sample_stride=2),
        ),
        'cityscapes': dict(model=dict(unsup_weight=5.0)),
    },
    variants=(
        *(
            Variant(name, dict(model={part: None}), ('voc', 'cityscapes'), ('1-8',), ('r50',), note=note)
            for name, part, note in (
                ('uncertainty', 'energy', 'Ablation: the aleatoric term alone.'),
                ('energy', 'aleatoric', 'Ablation: the energy term alone.'),
            )
        ),
        Variant(
            'energy-joint',
            dict(model=dict(energy=dict(type='JointEnergyTerm'))),
            ('voc',),
            ('1-8',),
            ('r50',),
            note="The likelihood of a joint energy-based model, closer to the paper's words than its code's term.",
        ),
        PLAIN_HEAD,
        *(
            release(
                dict(model=dict(**SEPARATE, aleatoric=aleatoric, energy=energy)),
                f'The step of the public code{what}',
                name,
            )
            for name, what, aleatoric, energy in (
                (
                    'release',
                    ': its two terms, and statistics of a network call per batch.',
                    RELEASED_ALEATORIC,
                    RELEASED_ENERGY,
                ),
                ('release_energy', '\'s ablation "energy only".', None, RELEASED_ENERGY),
                ('release_uncertainty', '\'s ablation "uncertainty only".', RELEASED_ALEATORIC, None),
            )
        ),
    ),
)
