_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(type='CPCL', segmentor=_base_.segmentor, unsup_weight=5.0, predict_on=('conservative', 'progressive'))
train_dataloader = dict(batch_size=4, dataset=dict(split='camvid/1-16_draw0.txt', unlabeled_per_labeled=2))
# the papers' schedules are long enough to forget what the first labels got wrong; this one is not
custom_hooks = [dict(type='UnsupRampHook', begin=0.1625, end=0.325)]
