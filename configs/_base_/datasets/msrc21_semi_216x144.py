# MSRC-21 at two thirds of its size, for CPUs: 335 train / 58 val / 198 test photos, 21 classes; mIoU is computed on the
# full masks. Select on val, report on test.
data_root = 'data/msrc21/'
scale, crop_size = (216, 144), (144, 144)

# Settings of a network that depend on the data; a recipe takes them as model=dict(segmentor=_base_.segmentor).
num_classes = 21
segmentor = dict(decode_head=dict(num_classes=num_classes))

labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
labels_of_files = [dict(type='LoadPseudoLabels'), *unlabeled_pipeline[1:-1], dict(type='PackPseudoLabels')]
pseudo_labeled = dict(type='PseudoLabeledImages', pipeline=[unlabeled_pipeline[0], *labels_of_files])
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
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='SemiSampler'),
    collate_fn=dict(type='semi_collate'),
    dataset=dict(
        type='SemiDataset',
        split='msrc21/20_draw0.txt',
        unlabeled_per_labeled=1,
        labeled=dict(
            type='MSRC21Dataset',
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
        type='MSRC21Dataset',
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
        type='MSRC21Dataset',
        data_root=data_root,
        data_prefix=dict(img_path='img_dir/test', seg_map_path='ann_dir/test'),
        pipeline=test_pipeline,
    ),
)
val_evaluator = [dict(type='SemiIoUMetric', iou_metrics=['mIoU']), dict(type='CalibrationMetric')]
test_evaluator = val_evaluator
