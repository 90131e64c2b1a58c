"""Systems of a student, a teacher and more."""

from dataclasses import replace
from typing import Dict, Iterable

from .conditions import CAMVID_10K, CPU, OF_ELN, OF_FARCLUSS, OF_FARCLUSS_VIT
from .parts import BOTH, LOCALIZERS, OF_ELN_HEAD, OWN_STATISTICS, RAMP, SEPARATE, STRONG, release, teacher
from .rows import Code, Leaf, Method, Variant

# Each part as its absence would be: the likeliest class alone, every pixel alike, every class alike, no contrast.
OFF: Dict[str, Leaf] = dict(
    labels=dict(label=dict(mode='hard')),
    reliability=dict(reliability=dict(form='none')),
    rebalancing=dict(rebalancing=dict(exponent=0.0)),
    contrast=dict(contrast=dict(weight=0.0)),
)


def without(parts: Iterable[str]) -> Leaf:
    """Return the options that switch parts off."""
    return dict(model={name: options for part in parts for name, options in OFF[part].items()})


def part_row(name: str, leaf: Leaf, note: str) -> Variant:
    """Make a row of FARCLUSS's ablation."""
    return Variant(name, leaf, ('voc',), ('1-8',), ('r50-d8',), note=note)


PARTS = (
    part_row('all-off', without(OFF), 'Hard labels of all pixels: what each part is added to.'),
    *(part_row(f'{part}-off', without({part}), f'All parts but one: {part}.') for part in OFF),
    *(
        part_row(f'{part}-only', without(other for other in OFF if other != part), f'One part alone: {part}.')
        for part in OFF
    ),
    *(
        part_row(f'k-{k}', dict(model=dict(label=dict(k=k))), 'Classes that a label keeps; 3 in the plain config.')
        for k in (1, 2, 5)
    ),
    part_row('k-all', dict(model=dict(label=dict(mode='full'))), "The teacher's whole distribution."),
)
FARCLUSS = Method(
    'farcluss',
    'FARCLUSS',
    'FARCLUSS',
    (
        'FARCLUSS: Fuzzy Adaptive Rebalancing and Contrastive Uncertainty Learning for Semi-Supervised Semantic '
        'Segmentation',
        'https://arxiv.org/abs/2506.11142',
    ),
    (*CPU, CAMVID_10K, *OF_FARCLUSS, *OF_FARCLUSS_VIT),
    leaf=dict(model=dict(**BOTH, data_preprocessor=STRONG)),
    on={
        'cpu': dict(custom_hooks=[teacher(0.01), RAMP]),
        'msrc21': dict(model=dict(teacher=dict(eval_mode=False))),
        'camvid-480x360': dict(custom_hooks=[teacher(0.001), dict(type='UnsupRampHook', begin=0.0, end=0.06)]),
        'cityscapes': dict(model=dict(projection=dict(norm_cfg=dict(type='SyncBN')))),
        'voc-all': dict(model=dict(projection=dict(norm_cfg=dict(type='SyncBN'))), train_dataloader=dict(batch_size=4)),
        'vit': dict(
            note="UniMatch V2's network, schedule and teacher; not from the paper.",
            model=dict(projection=dict(norm_cfg=dict(type='SyncBN'))),
            custom_hooks=[teacher(0.004), dict(type='UnsupRampHook', begin=0.0, end=Code('5 / 60'))],
        ),
    },
    variants=PARTS,
)
OF_CPU = 'slack: the loss ends near 0.4, not 0.01.'
BY_CONFIDENCE = dict(localizer=dict(_delete_=True, type='ConfidenceThreshold'), slack=())
BY_CORRECTION = dict(model=dict(localizer=dict(type='ErrorCorrector')))


def by_confidence(threshold: float, data: str, *lists: str) -> Variant:
    """Make a row of the baseline that finds no errors."""
    note = "The baseline: a threshold on the teacher's confidence in the place of the localizer;\n"
    note += 'of 0.5 to 0.95 the one that finds errors best on val.'
    return Variant('filter-confidence', dict(model=dict(BY_CONFIDENCE, threshold=threshold)), (data,), lists, note=note)


def judged(metric: dict) -> dict:
    """Return the evaluators of a network and of its judge."""
    return {'val_evaluator = test_evaluator': [dict(type='SemiIoUMetric'), metric]}


def ablation(name: str, leaf: dict, note: str) -> Variant:
    """Make a row of ELN's Tables 3 to 6."""
    return Variant(name, leaf, ('voc-eln',), ('1-20',), ('r50',), note=note)


ELN = Method(
    'eln',
    'ELN',
    'ELN',
    ('Semi-supervised Semantic Segmentation with Error Localization Network', 'https://arxiv.org/abs/2204.02078'),
    (*(replace(recipe, schedule=f'{recipe.schedule}_eln') for recipe in CPU), *OF_ELN),  # with its stages
    leaf=dict(
        model=dict(
            **{'': Code('_base_.options')},
            localizer=Code('_base_.localizer'),
            data_preprocessor=dict(strong=Code('_base_.perturbation')),
        )
    ),
    on={
        'cpu': dict(
            note=OF_CPU,
            model=dict(slack=(1.5, 3.0)),
            **{'val_evaluator = test_evaluator': [Code('*_base_.test_evaluator'), Code('_base_.localization')]},
        ),
        'msrc21': dict(
            note=f'{OF_CPU} Without CutMix and train mode it loses: README.md.',
            model=dict(teacher=dict(eval_mode=False), cutmix=dict(prob=1.0)),
        ),
        'eln': dict(
            segmentor=OF_ELN_HEAD,
            model=dict(slack=(20.0, 50.0), segmentor=Code('segmentor')),
            **judged(dict(type='ErrorLocalizationMetric')),
        ),
    },
    bases=LOCALIZERS,
    variants=(
        by_confidence(0.7, 'camvid', '8', '1-16'),
        by_confidence(0.9, 'msrc21', '20'),
        Variant(
            'filter-correction', BY_CORRECTION, ('camvid',), ('8', '1-16'), note='The baseline s-ECN of the paper.'
        ),
        ablation(
            'filter-confidence',
            dict(
                model=dict(BY_CONFIDENCE, threshold=0.9, contrast_weight=0.0),
                **judged(dict(type='ErrorLocalizationMetric', threshold=0.9)),
            ),
            "Tables 3, 4 and 6: the teacher's confidence in the localizer's place, and no contrast, as in Table 6.\n"
            'The paper does not give the threshold.',
        ),
        ablation(
            'filter-correction', BY_CORRECTION, 'Table 3: the correction network (s-ECN) in the place of the localizer.'
        ),
        ablation('decoders-0', dict(model=dict(slack=())), 'Table 5'),
        ablation('decoders-1', dict(model=dict(slack=(20.0,))), 'Table 5'),
        ablation('decoders-3', dict(model=dict(slack=(20.0, 50.0, 100.0))), 'Table 5'),
        ablation(
            'contrast-sum',
            dict(model=dict(contrast=dict(_delete_=True, positives='sum'))),
            'Eq. 10 as printed, over at most 256 anchors and keys of a class: thousands of times the size of eq. 9.',
        ),
        ablation('loss-contrast', dict(model=dict(pseudo_weight=0.0)), 'Table 6'),
        ablation('loss-pseudo', dict(model=dict(contrast_weight=0.0)), 'Table 6'),
        release(
            dict(
                model=dict(
                    **SEPARATE,
                    gate='batch',
                    reduction='sum',
                    pseudo_mean='kept',
                    student_views=('weak', 'strong'),
                    localizer=dict(inputs='logits', balance='batch', ignored_as_wrong=True),
                    teacher=OWN_STATISTICS,
                ),
                optim_wrapper=dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))),
                custom_hooks=[
                    dict(type='ELNStageHook', starts=Code('_base_.starts'), reset_interval=266),
                    Code('_base_.custom_hooks[1]'),
                ],
            ),
            "With the public code's choices where the paper is silent, or says otherwise.",
            data='voc-eln',
            labels='1-20',
        ),
        ablation(
            'stage1',
            dict(
                kept=Code("{key: value for key, value in _base_.model.items() if key != 'contrast'}"),
                model=dict(
                    **{'': Code('kept')},
                    _delete_=True,
                    type='ELNWarmup',
                    predict_on='student',
                    data_preprocessor=Code('dict(_base_.model.data_preprocessor, strong=None)'),
                ),
                train_cfg=dict(max_iters=Code('120 * 266'), val_interval=Code('4 / 120')),
                train_dataloader=dict(dataset=dict(unlabeled=None, unlabeled_per_labeled=0)),
                custom_hooks=[dict(type='ELNStageHook', starts=dict(pretrain=0, warmup=Code('70 / 120')))],
            ),
            'Stage 1 alone: eq. 7 after the pre-training. Go on with stage 2 by load_from.',
        ),
        ablation(
            'stage2',
            dict(
                load_from='work_dirs/eln_r50_voc-eln_1-20_stage1/last_checkpoint',
                train_cfg=dict(max_iters=Code('380 * 266'), val_interval=Code('4 / 380')),
                custom_hooks=[dict(type='ELNStageHook', starts=dict(semi=0)), teacher(0.005, warmup=False)],
            ),
            'Stage 2 alone, from the last checkpoint of stage 1.',
        ),
    ),
)
