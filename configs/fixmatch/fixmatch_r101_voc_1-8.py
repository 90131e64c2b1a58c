_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/datasets/voc_semi_321.py',
    '../_base_/schedules/sgd_poly_voc_unimatch.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='FixMatch',
    threshold=0.95,
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size, strong=dict(type='StrongAugment')),
)
train_dataloader = dict(dataset=dict(split='voc/cps/1-8.txt'))
