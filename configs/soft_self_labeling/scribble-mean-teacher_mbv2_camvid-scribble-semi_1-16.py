_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_scribble_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ScribbleMeanTeacher',
    segmentor=_base_.segmentor,
    predict_on=('student', 'teacher'),
    unsup_weight=10.0,
    self_labeling=dict(eta=1.0, potts_weight=20.0, bandwidth=9.0),  # as without unlabeled images
    data_preprocessor=dict(strong=dict(type='StrongAugment')),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='camvid/1-16_draw0.txt'))
custom_hooks = [
    dict(type='MeanTeacherHook', momentum=0.01),
    dict(type='UnsupRampHook', begin=0.25, end=0.5),
    dict(type='StageHook', starts=dict(pretrain=0, full=0.5)),
    dict(type='ScribbleVisHook', interval=400),
]
