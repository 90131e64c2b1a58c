_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi.py',
    '../_base_/schedules/sgd_poly_camvid_10k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='DUEB',
    segmentor=_base_.segmentor,
    unsup_weight=1.0,
    aleatoric=dict(sample_stride=4),  # 80x80 pixels of a crop, about as many as at 240x180
    predict_on=('conservative', 'progressive'),
)
train_dataloader = dict(dataset=dict(split='camvid/1-16_draw0.txt', unlabeled_per_labeled=2))
