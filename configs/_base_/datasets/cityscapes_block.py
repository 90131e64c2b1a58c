# Cityscapes with block annotations on all 2975 training images; full masks at validation. Blocks of 50 % (the tree
# energy loss also reports 20 and 10 %; the size of its blocks is not published, here 32 pixels):
#   python tools/make_scribbles.py data/cityscapes/gtFine/train data/cityscapes_blocks/share-0.5 \
#       --suffix _gtFine_labelTrainIds.png --kind block --share 0.5 --num-classes 19
# and likewise share-0.2 and share-0.1. Which share and which crops soft self-labeling used is not stated.
_base_ = './cityscapes_semi.py'
segmentor = dict(_delete_=True, decode_head=dict(num_classes=_base_.num_classes))  # plain cross entropy
labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadScribbles'),
    dict(
        type='RandomChoice',
        transforms=[[dict(type='ResizeScribbles', scale_factor=s, keep_ratio=True)] for s in _base_.scales],
    ),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
# labeled=_base_.full_masks reads full masks in the place of blocks
full_masks = dict(data_prefix=dict(seg_map_path='cityscapes/gtFine/train'), pipeline=_base_.labeled_pipeline)
train_dataloader = dict(
    batch_size=3,  # 4 processes: the paper's 12
    dataset=dict(
        split='cityscapes/train.txt',
        unlabeled=None,
        unlabeled_per_labeled=0,
        labeled=dict(
            data_root='data/',
            data_prefix=dict(img_path='cityscapes/leftImg8bit/train', seg_map_path='cityscapes_blocks/share-0.5'),
            pipeline=labeled_pipeline,
        ),
    ),
)
