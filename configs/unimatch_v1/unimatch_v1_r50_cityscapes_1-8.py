_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d16.py',
    '../_base_/datasets/cityscapes_semi_801.py',
    '../_base_/schedules/sgd_poly_cityscapes_unimatch.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='UniMatchV1',
    threshold=0.0,
    segmentor=_base_.segmentor,
    data_preprocessor=dict(
        size=_base_.crop_size, strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))
    ),
)
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-8.txt'))
