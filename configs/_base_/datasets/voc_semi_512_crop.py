# VOC as in UniMatch V2, for patches of 16: crops of 512x512 in the place of 518x518; 4 processes of 4.
# The long side is a random share of 500 pixels, which is what nearly all images have.
_base_ = './voc_semi.py'
crop_size = (512, 512)
segmentor = dict(test_cfg=dict(_delete_=True, mode='whole'))  # whole images at test
labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
train_dataloader = dict(
    batch_size=4,  # per process; the paper's 16 is over all of them
    dataset=dict(labeled=dict(pipeline=labeled_pipeline), unlabeled=dict(pipeline=unlabeled_pipeline)),
)
