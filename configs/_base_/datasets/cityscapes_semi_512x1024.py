# Cityscapes as in ELN: random crops of 512x1024 without scaling, batch 4; whole images at test.
_base_ = './cityscapes_semi.py'
crop_size = (512, 1024)
segmentor = dict(_delete_=True, decode_head=dict(num_classes=_base_.num_classes))  # plain cross entropy
labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
train_dataloader = dict(
    batch_size=4,
    dataset=dict(labeled=dict(pipeline=labeled_pipeline), unlabeled=dict(pipeline=unlabeled_pipeline)),
)
