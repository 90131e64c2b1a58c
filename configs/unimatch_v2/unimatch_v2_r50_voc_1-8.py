_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d16.py',
    '../_base_/datasets/voc_semi_321.py',
    '../_base_/schedules/sgd_poly_voc_unimatch.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='UniMatchV2',
    threshold=0.95,
    predict_on=('student', 'teacher'),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(
        size=_base_.crop_size, strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))
    ),
)
train_dataloader = dict(dataset=dict(split='voc/cps/1-8.txt'))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.004)]
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')
