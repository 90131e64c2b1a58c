_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(type='Supervised', segmentor=_base_.segmentor)
train_dataloader = dict(
    batch_size=4, dataset=dict(split='camvid/1-16_draw0.txt', unlabeled=None, unlabeled_per_labeled=0)
)
