_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/datasets/voc_semi.py',
    '../_base_/schedules/sgd_poly_voc.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='MeanTeacher',
    unsup_weight=100.0,
    predict_on=('student', 'teacher'),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size, strong=dict(type='StrongAugment')),
)
train_dataloader = dict(dataset=dict(split='voc/cps/1-8.txt'))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01)]
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')
