_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi.py',
    '../_base_/schedules/sgd_poly_camvid_10k.py',
    '../_base_/default_runtime.py',
]
model = dict(type='Supervised', segmentor=_base_.segmentor)
train_dataloader = dict(dataset=dict(split='camvid/1-16_draw0.txt', unlabeled=None, unlabeled_per_labeled=0))
