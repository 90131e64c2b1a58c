_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='CPS',
    segmentor=_base_.segmentor,
    unsup_weight=5.0,  # as with CutMix on Cityscapes
    cutmix=dict(),
    predict_on=('student', 'peer'),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='camvid/1-16_draw0.txt', unlabeled_per_labeled=2))
# the ramp: this schedule is too short to forget what an early teacher got wrong
custom_hooks = [dict(type='UnsupRampHook', begin=0.1625, end=0.325)]
