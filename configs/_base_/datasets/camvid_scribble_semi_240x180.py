# CamVid at half size, 240x180: scribbles on the labeled images of a split, no labels on the others; full masks at
# validation. Drawn at the images' own size by
#   python tools/make_scribbles.py data/camvid/ann_dir/train data/camvid_scribbles/length-1 --ratio 1 --num-classes 11
# and likewise for the ratios 0.8, 0.5, 0.3, 0 (folders length-0.8 to length-0).
_base_ = './camvid_semi.py'
scale, crop_size = (240, 180), (176, 176)

labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadScribbles'),
    dict(type='RandomResize', resize_type='ResizeScribbles', scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadScribbles']
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
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
    dataset=dict(
        labeled=dict(
            data_root='data/',
            data_prefix=dict(img_path='camvid/img_dir/train', seg_map_path='camvid_scribbles/length-1'),
            pipeline=labeled_pipeline,
        ),
        unlabeled=dict(pipeline=unlabeled_pipeline),
    ),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
