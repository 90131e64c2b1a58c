_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d16.py',
    '../_base_/datasets/voc_semi.py',
    '../_base_/schedules/sgd_poly_voc_cps.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='CPS',
    unsup_weight=1.0,
    cutmix=dict(),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size),
)
train_dataloader = dict(dataset=dict(split='voc/cps/1-8.txt', unlabeled_per_labeled=2))
