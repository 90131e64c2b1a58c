_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='UniMatchV2',
    segmentor=_base_.segmentor,
    threshold=0.95,
    predict_on=('student', 'teacher'),
    data_preprocessor=dict(strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='camvid/1-16_draw0.txt'))
# the ramp: this schedule is too short to forget what an early teacher got wrong
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.004), dict(type='UnsupRampHook', begin=0.1625, end=0.325)]
