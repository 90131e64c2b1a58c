# MSRC-21 at two thirds of its size, scribbles on all 335 training images; full masks at validation. Drawn at the images' own size by
#   python tools/make_scribbles.py data/msrc21/ann_dir/train data/msrc21_scribbles/length-1 --num-classes 21
_base_ = './msrc21_semi_216x144.py'
scale, crop_size = (216, 144), (144, 144)

labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadScribbles'),
    dict(type='RandomResize', resize_type='ResizeScribbles', scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
train_dataloader = dict(
    dataset=dict(
        split='msrc21/train.txt',
        unlabeled=None,
        unlabeled_per_labeled=0,
        labeled=dict(
            data_root='data/',
            data_prefix=dict(img_path='msrc21/img_dir/train', seg_map_path='msrc21_scribbles/length-1'),
            pipeline=labeled_pipeline,
        ),
    )
)
