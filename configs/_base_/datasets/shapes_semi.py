# The built-in dataset: 160 train / 48 val drawn scenes of 96x64, 8 classes; made on first use.
data_root = 'data/shapes/'
scale, crop_size = (96, 64), (64, 64)

# Settings of a network that depend on the data; a recipe takes them as model=dict(segmentor=_base_.segmentor).
num_classes = 8
segmentor = dict(
    decode_head=dict(
        num_classes=num_classes,
        loss_decode=dict(  # poles, balls and signs are 3 % of the pixels
            _delete_=True,
            type='HardPixelCrossEntropy',
            threshold=0.7,
            min_kept=400,
            class_weight=[0.5, 1, 0.5, 2, 1, 3, 3, 4],
        ),
    ),
)

labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale_factor=r, keep_ratio=True) for r in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=0,  # tiny images: a worker costs more than it saves
    sampler=dict(type='SemiSampler'),
    collate_fn=dict(type='semi_collate'),
    dataset=dict(
        type='SemiDataset',
        split='shapes/8_draw0.txt',
        unlabeled_per_labeled=1,
        labeled=dict(
            type='ShapesDataset',
            data_root=data_root,
            data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
            pipeline=labeled_pipeline,
        ),
        unlabeled=dict(
            type='UnlabeledImages',
            data_root=data_root,
            data_prefix=dict(img_path='img_dir/train'),
            img_suffix='.png',
            pipeline=unlabeled_pipeline,
        ),
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ShapesDataset',
        data_root=data_root,
        data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='SemiIoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
