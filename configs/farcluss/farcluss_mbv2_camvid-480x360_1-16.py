_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi.py',
    '../_base_/schedules/sgd_poly_camvid_10k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='FARCLUSS',
    segmentor=_base_.segmentor,
    predict_on=('student', 'teacher'),
    data_preprocessor=dict(strong=dict(type='StrongAugment')),
)
train_dataloader = dict(dataset=dict(split='camvid/1-16_draw0.txt'))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.001), dict(type='UnsupRampHook', begin=0.0, end=0.06)]
