# Cityscapes as in UniMatch V2, for patches of 16: crops of 800x800 in the place of 798x798; 4 processes of 2.
_base_ = './cityscapes_semi.py'
crop_size = (800, 800)
segmentor = dict(
    _delete_=True,
    decode_head=dict(
        num_classes=_base_.num_classes,
        # 200000 pixels of a process's two images
        loss_decode=dict(_delete_=True, type='HardPixelCrossEntropy', threshold=0.7, min_kept=100000),
    ),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(536, 536)),  # windows overlap by a third
)
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
