# Cityscapes: 2975 train / 500 val images, 2048x1024, 19 classes; crops and scales of CPCL, DUEB.
data_root = 'data/cityscapes/'
crop_size = (800, 800)
scales = [0.5, 0.75, 1.0, 1.5, 1.75, 2.0]  # the papers' public code; 1.25 is absent there

# Settings of a network that depend on the data; a recipe takes them as model=dict(segmentor=_base_.segmentor).
num_classes = 19
class_weight = [0.8373, 0.918, 0.866, 1.0345, 1.0166, 0.9969, 0.9754, 1.0489, 0.8786, 1.0023]
class_weight += [0.9539, 0.9843, 1.1116, 0.9037, 1.0865, 1.0955, 1.0865, 1.1529, 1.0507]  # as in CPS
segmentor = dict(
    decode_head=dict(
        num_classes=num_classes,
        loss_decode=dict(
            _delete_=True,
            type='HardPixelCrossEntropy',
            threshold=0.7,
            min_kept=50000,  # per image
            class_weight=class_weight,
        ),
    ),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(533, 533)),  # windows overlap by a third
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
    batch_size=2,  # per process; the papers' 16 is over all of them
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SemiSampler'),
    collate_fn=dict(type='semi_collate'),
    dataset=dict(
        type='SemiDataset',
        split='cityscapes/cps/1-8.txt',
        unlabeled_per_labeled=1,
        labeled=dict(
            type='CityscapesDataset',
            data_root=data_root,
            data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
            pipeline=labeled_pipeline,
        ),
        unlabeled=dict(
            type='UnlabeledImages',
            data_root=data_root,
            data_prefix=dict(img_path='leftImg8bit/train'),
            img_suffix='_leftImg8bit.png',
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
        type='CityscapesDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader  # the test server keeps the labels of the test split

val_evaluator = dict(type='SemiIoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
