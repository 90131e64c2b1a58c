"""Methods to compare with, for labeled and unlabeled images."""

from dataclasses import replace

from .conditions import (
    CAMVID_10K,
    CITYSCAPES,
    CPU,
    DATA,
    OF_CUTMIX_SEG,
    OF_ELN,
    OF_FULL_MASKS,
    OF_UNIMATCH,
    OF_UNIMATCH_V2,
    OF_UNIMATCH_V2_16,
    SHAPES,
    VOC_CLASSIC,
    VOC_CPS,
    VOC_TAUGHT,
    VOC_TIMM,
    VOC_U2PL,
)
from .parts import (
    ALONE,
    BOTH,
    EVERY_CLASS,
    LARGER_BATCH,
    OF_ELN_HEAD,
    OWN_STATISTICS,
    RAMP,
    SEPARATE,
    STRONG,
    TAUGHT,
    TWO,
    TWO_STRONG,
    UNKEPT,
    adaptive,
    release,
    teacher,
)
from .rows import Code, Method, Variant

ALL_PIXELS = 'All pixels teach, mixed, with labels by the statistics of their batch: chosen on val of draw 0.'
SUPERVISED = Method(
    'supervised',
    'Supervised',
    'Supervised',
    ('', ''),
    (
        *(*CPU, CAMVID_10K, SHAPES, CITYSCAPES, VOC_CPS, VOC_CLASSIC, VOC_U2PL),
        *(OF_ELN[0], replace(OF_ELN[1], networks=('r50',))),
        *OF_FULL_MASKS,
    ),
    leaf=dict(train_dataloader=ALONE),
    on={
        'shapes': EVERY_CLASS,
        'eln': dict(
            note="The baseline of ELN's Tables 1 and 2: its network, data and schedule without the unlabeled images.",
            segmentor=OF_ELN_HEAD,
            model=dict(segmentor=Code('segmentor')),
            custom_hooks=[],
        ),
        'full': dict(
            note='All labels, with the recipe of soft self-labeling.',
            train_dataloader=dict(dataset=dict(labeled=Code('_base_.full_masks'))),
        ),
    },
    lists={
        **{recipe.data: (*DATA[recipe.data].lists, 'full') for recipe in (*CPU, CAMVID_10K)},
        'voc-eln': ('1-20', '1-8', '1-4', 'full'),
        'cityscapes-eln': ('1-8', '1-4', '1-2', 'full'),
        **{recipe.data: ('full',) for recipe in OF_FULL_MASKS},
    },
    variants=(Variant('bs16', LARGER_BATCH, ('voc-scribble',), networks=('r101', 'vit'), batch=16),),
)
MEAN_TEACHER = Method(
    'mean_teacher',
    'MeanTeacher',
    'Mean teacher',
    ('Mean teachers are better role models', 'https://arxiv.org/abs/1703.01780'),
    (*CPU, CAMVID_10K, CITYSCAPES, VOC_CPS, VOC_CLASSIC),
    leaf=dict(model=dict(unsup_weight=100.0, **BOTH, data_preprocessor=STRONG), custom_hooks=[teacher(0.01)]),
    on={
        'cpu': dict(
            note="unsup_weight: chosen on val; the recipe's 100 holds the student to an early teacher.",
            model=dict(unsup_weight=10.0),
            custom_hooks=[teacher(0.01), RAMP],
        ),
        'msrc21': dict(model=UNKEPT),
    },
    variants=(
        release(
            dict(
                model=dict(
                    **SEPARATE,
                    teacher=OWN_STATISTICS,
                    data_preprocessor=dict(strong=dict(jitter_prob=0.0, grayscale_prob=0.0, blur_prob=0.0)),
                ),
                custom_hooks=[teacher(0.01, warmup=False)],
            ),
            "The public code of CPS: both networks see one crop, in calls of their own; the teacher's BatchNorm is in\n"
            'train mode and keeps its own statistics, as its average is of the weights alone.',
        ),
    ),
)
PSEUDO_LABEL = Method(
    'pseudo_label',
    'PseudoLabel',
    'Offline pseudo-labels',
    (
        'ST++: Make Self-training Work Better for Semi-supervised Semantic Segmentation',
        'https://arxiv.org/abs/2106.05095',
    ),
    CPU,
    leaf=dict(
        note='The images that tools/pseudo_label.py labeled, with the weak geometry of other methods.',
        model=dict(data_preprocessor=STRONG),
        train_dataloader=dict(
            dataset=dict(
                unlabeled=dict(
                    {'': Code('_base_.pseudo_labeled')}, pseudo_labels='work_dirs/pseudo_labels/{data}_{list}'
                )
            )
        ),
    ),
)
CUTMIX_SEG = Method(
    'cutmix_seg',
    'CutMixSeg',
    'CutMix-Seg',
    ('Semi-supervised semantic segmentation needs strong, varied perturbations', 'https://arxiv.org/abs/1906.01916'),
    (*CPU, *OF_CUTMIX_SEG),
    leaf=dict(model=BOTH, train_dataloader=TWO, custom_hooks=[teacher(0.01, warmup=False)]),
    on={
        'cpu': dict(
            model=dict(data_preprocessor=dict(strong=dict(type='StrongAugment', blur_prob=0.0))),
            custom_hooks=[teacher(0.01, warmup=False), RAMP],
        ),
        'paper': dict(
            backbone=dict(norm_eval=True, norm_cfg=dict(requires_grad=False)),
            model=dict(
                segmentor=Code('dict(_base_.segmentor, backbone=backbone)'),
                data_preprocessor=dict(strong=Code('_base_.perturbation')),
            ),
        ),
        'cityscapes': dict(optim_wrapper=dict(optimizer=dict(lr=3e-5))),
    },
)
FIXMATCH = Method(
    'fixmatch',
    'FixMatch',
    'FixMatch',
    (
        'FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence',
        'https://arxiv.org/abs/2001.07685',
    ),
    (*CPU, *OF_UNIMATCH, VOC_TAUGHT),
    leaf=dict(model=dict(threshold=0.0, data_preprocessor=STRONG)),
    on={
        'voc-all': dict(model=dict(threshold=0.95)),
        'cpu': dict(custom_hooks=[RAMP]),
        'msrc21': dict(note=ALL_PIXELS, model=dict(teacher_mode='train', cutmix=dict(prob=1.0))),
    },
    variants=(*adaptive('r101'), TAUGHT),
)
UNIMATCH_V1 = Method(
    'unimatch_v1',
    'UniMatchV1',
    'UniMatch V1',
    (
        'Revisiting Weak-to-Strong Consistency in Semi-Supervised Semantic Segmentation',
        'https://arxiv.org/abs/2208.09910',
    ),
    (*CPU, *OF_UNIMATCH),
    leaf=dict(model=dict(threshold=0.0, data_preprocessor=TWO_STRONG)),
    on={'voc-all': dict(model=dict(threshold=0.95)), 'cpu': dict(custom_hooks=[RAMP])},
    variants=adaptive('r101'),
)
UNIMATCH_V2 = Method(
    'unimatch_v2',
    'UniMatchV2',
    'UniMatch V2',
    ('UniMatch V2: Pushing the Limit of Semi-Supervised Semantic Segmentation', 'https://arxiv.org/abs/2410.10777'),
    (*CPU, *OF_UNIMATCH, *OF_UNIMATCH_V2, *OF_UNIMATCH_V2_16, VOC_TIMM),
    leaf=dict(model=dict(threshold=0.95, **BOTH, data_preprocessor=TWO_STRONG), custom_hooks=[teacher(0.004)]),
    on={
        'cpu': dict(custom_hooks=[teacher(0.004), RAMP]),
        'msrc21': dict(model=dict(threshold=0.0, teacher=dict(eval_mode=False), cutmix=dict(prob=1.0))),
    },
    variants=(
        *adaptive(),
        Variant(
            'fuzzy',
            dict(model=dict(threshold=0.0, target=dict(type='fuzzy_topk', k=3))),
            ('camvid',),
            ('8', '1-16'),
            note="FARCLUSS's fuzzy labels: the probabilities of the three likeliest classes, of all pixels",
        ),
    ),
)
