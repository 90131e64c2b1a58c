_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi.py',
    '../_base_/schedules/sgd_poly_camvid_10k.py',
    '../_base_/default_runtime.py',
]
model = dict(type='CPCL', segmentor=_base_.segmentor, unsup_weight=1.0, predict_on=('conservative', 'progressive'))
train_dataloader = dict(dataset=dict(split='camvid/1-16_draw0.txt', unlabeled_per_labeled=2))
