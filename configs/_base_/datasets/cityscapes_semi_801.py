# Cityscapes as in UniMatch V1: crops of 801x801, any scale from 0.5 to 2; 4 processes of 2.
_base_ = './cityscapes_semi.py'
crop_size = (801, 801)
labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
train_dataloader = dict(
    batch_size=2,
    dataset=dict(labeled=dict(pipeline=labeled_pipeline), unlabeled=dict(pipeline=unlabeled_pipeline)),
)
