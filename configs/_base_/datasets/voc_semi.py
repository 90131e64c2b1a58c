# VOC 2012 with SBD: 10582 train / 1449 val images, 21 classes; crops and scales of CPCL, DUEB.
data_root = 'data/VOCdevkit/VOC2012/'
crop_size = (512, 512)
scales = [0.5, 0.75, 1.0, 1.5, 1.75, 2.0]  # of each image's own size, as in the papers' public code

# Settings of a network that depend on the data; a recipe takes them as model=dict(segmentor=_base_.segmentor).
num_classes = 21
segmentor = dict(
    decode_head=dict(num_classes=num_classes),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(341, 341)),  # windows overlap by a third
)

labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomChoice',
        transforms=[[dict(type='Resize', scale_factor=s, keep_ratio=True)] for s in scales],
    ),
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
    batch_size=4,  # per process; the papers' 8 is over all of them
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SemiSampler'),
    collate_fn=dict(type='semi_collate'),
    dataset=dict(
        type='SemiDataset',
        split='voc/cps/1-8.txt',
        unlabeled_per_labeled=1,
        labeled=dict(
            type='PascalVOCDataset',
            data_root=data_root,
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
            pipeline=labeled_pipeline,
        ),
        unlabeled=dict(
            type='UnlabeledImages',
            data_root=data_root,
            data_prefix=dict(img_path='JPEGImages'),
            ann_file='voc/trainaug.txt',  # the folder holds the validation images too
            pipeline=unlabeled_pipeline,
        ),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PascalVOCDataset',
        data_root=data_root,
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        ann_file='ImageSets/Segmentation/val.txt',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader  # the test server keeps the labels of the test split

val_evaluator = dict(type='SemiIoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
