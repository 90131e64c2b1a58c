"""Settings that several methods share."""

from .conditions import DINOV2
from .rows import Code, Leaf, Variant

STRONG = dict(strong=dict(type='StrongAugment'))
TWO_STRONG = dict(strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment')))
BOTH = dict(predict_on=('student', 'teacher'))
TWO = dict(dataset=dict(unlabeled_per_labeled=2))
ALONE = dict(dataset=dict(unlabeled=None, unlabeled_per_labeled=0))
# The short CPU schedule does not forget what early labels got wrong, as the papers' long ones do.
RAMP = dict(type='UnsupRampHook', begin=0.1625, end=0.325)
# BatchNorm of a teacher in train mode, whose average is of the weights alone
OWN_STATISTICS = dict(eval_mode=False, buffers='own')
SEPARATE = dict(batch_statistics='separate')
# Where a loss of unlabeled images is weak, shared statistics let the labeled one change them at will; chosen on val.
UNKEPT = dict(batch_statistics='separate_unkept')
EVERY_CLASS = {'val_evaluator = test_evaluator': dict(type='SemiIoUMetric')}
ADAPTIVE = dict(model=dict(threshold=dict(_delete_=True, type='AdaptiveThreshold')))
CORRMATCH = "CorrMatch's threshold, which follows the classes' largest confidences"

OF_ELN_HEAD = Code("dict(decode_head=dict(_base_.segmentor.decode_head, type='TwoLayerASPPHead', dropout_ratio=0.1))")


LOCALIZERS = {
    **dict.fromkeys(('mbv2', 'mbv2-frozen'), 'networks/eln_localizer_mbv2'),
    **dict.fromkeys(('r50', 'r101'), 'networks/eln_localizer_r34'),
}


LARGER_BATCH = dict(train_dataloader=dict(batch_size=8), train_cfg=dict(max_iters=Code("_base_.iters['voc-bs16']")))

TAUGHT = Variant(
    'dinov2b-teacher',
    dict(**DINOV2, model=dict(teacher=Code('_base_.teacher'))),
    ('voc-classic',),
    ('92',),
    ('mbv2',),
    bases={'mbv2': 'teachers/dpt_dinov2-b_voc'},
    whole=True,
    note='A large ViT, trained by unimatch_v2_dinov2b_voc-classic_92.py, labels for a network that a phone can run.',
)


def teacher(momentum: float, **options: object) -> dict:
    """Return the hook of an EMA teacher."""
    return dict(type='MeanTeacherHook', momentum=momentum, **options)


def release(leaf: Leaf, note: str, name: str = 'release', data: str = 'voc', labels: str = '1-8') -> Variant:
    """Return the choices of a public code that differ from its paper."""
    return Variant(name, leaf, (data,), (labels,), ('r50',), note=note)


def adaptive(*voc: str) -> tuple:
    """Return the variants with CorrMatch's threshold: on CamVid, and on VOC for some networks."""
    camvid = Variant('threshold-adaptive', ADAPTIVE, ('camvid',), ('8', '1-16'), note=CORRMATCH)
    return camvid, *(
        Variant('threshold-adaptive', ADAPTIVE, ('voc-classic',), ('92',), (net,), note=CORRMATCH) for net in voc
    )
