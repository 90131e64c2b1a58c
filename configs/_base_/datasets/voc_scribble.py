# VOC 2012 with the scribbles of ScribbleSup on all 10582 training images; full masks at validation.
# Index masks: http://cs.uwaterloo.ca/~m62tang/rloss/pascal_2012_scribble.zip, unpacked as
# data/VOCdevkit/VOC2012/pascal_2012_scribble. There 255 is a pixel without a scribble, and nothing is void.
# tools/shorten_scribbles.py makes the shorter ones, pascal_2012_scribble_length-0.8 to -0, see docs/scribbles.md.
# The XML files of http://www.jifengdai.org/downloads/scribble_sup/ work as they are:
#   labeled=dict(data_prefix=dict(seg_map_path='scribble_annotation/pascal_2012'), seg_map_suffix='.xml')
# Crops and scales as in the public code of rloss and of the robust trust region (the shorter side 0.5 to 2 times 513),
# without its blur.
_base_ = './voc_semi.py'
crop_size = (513, 513)

segmentor = dict(test_cfg=dict(_delete_=True, mode='whole'))  # whole images at test
labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadScribbles', unlabeled_value=255, void_value=None),
    dict(
        type='RandomResize',
        resize_type='ResizeScribbles',
        scale=(4 * 513, 513),
        ratio_range=(0.5, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
full_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(4 * 513, 513), ratio_range=(0.5, 2.0), keep_ratio=True),
    *labeled_pipeline[3:],
]
# labeled=_base_.full_masks reads them in the place of scribbles
full_masks = dict(data_prefix=dict(seg_map_path='SegmentationClassAug'), pipeline=full_pipeline)
train_dataloader = dict(
    batch_size=6,  # per process; the paper's 12 is over all of them
    dataset=dict(
        split='voc/trainaug.txt',
        unlabeled=None,
        unlabeled_per_labeled=0,
        labeled=dict(data_prefix=dict(seg_map_path='pascal_2012_scribble'), pipeline=labeled_pipeline),
    ),
)
