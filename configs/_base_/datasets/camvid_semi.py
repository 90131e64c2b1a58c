# CamVid at full size, 480x360: 367 train / 101 val / 233 test images. Select on val, report on test.
data_root = 'data/camvid/'
scale, crop_size = (480, 360), (320, 320)

# Settings of a network that depend on the data; a recipe takes them as model=dict(segmentor=_base_.segmentor).
num_classes = 11
segmentor = dict(
    decode_head=dict(
        num_classes=num_classes,
        loss_decode=dict(
            # the papers' recipe for driving scenes; weights 1 / ln(1.1 + share of the class), by the masks of
            # camvid/1-16_draw0.txt, over 10. Poles, signs, people and cyclists are 3 % of the pixels together.
            _delete_=True,
            type='HardPixelCrossEntropy',
            threshold=0.7,
            min_kept=2000,
            class_weight=[0.4, 0.4, 1.0, 0.3, 0.8, 0.5, 0.9, 1.0, 0.6, 1.0, 1.0],
        ),
    ),
)

labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    # After Resize: logits are resized to the mask, never the mask to the logits.
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=(int(scale[0] * r), int(scale[1] * r)), keep_ratio=True)
                for r in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
            ],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SemiSampler'),
    collate_fn=dict(type='semi_collate'),
    dataset=dict(
        type='SemiDataset',
        split='camvid/1-16_draw0.txt',
        unlabeled_per_labeled=1,
        labeled=dict(
            type='CamVidDataset',
            data_root=data_root,
            data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
            pipeline=labeled_pipeline,
        ),
        unlabeled=dict(
            type='UnlabeledImages',
            data_root=data_root,
            data_prefix=dict(img_path='img_dir/train'),
            pipeline=unlabeled_pipeline,
        ),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CamVidDataset',
        data_root=data_root,
        data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CamVidDataset',
        data_root=data_root,
        data_prefix=dict(img_path='img_dir/test', seg_map_path='ann_dir/test'),
        pipeline=test_pipeline,
    ),
)
val_evaluator = [dict(type='SemiIoUMetric', iou_metrics=['mIoU']), dict(type='CalibrationMetric')]
test_evaluator = val_evaluator
