_base_ = [
    '../_base_/networks/dpt_dinov2-s.py',
    '../_base_/datasets/voc_semi_518.py',
    '../_base_/schedules/adamw_poly_voc_unimatch_v2.py',
    '../_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmseg_ssl', 'mmpretrain.models'])  # pip install mmpretrain
model = dict(
    type='UniMatchV2',
    threshold=0.95,
    predict_on=('student', 'teacher'),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(
        size=_base_.crop_size, strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))
    ),
)
train_dataloader = dict(dataset=dict(split='voc/classic/183.txt'))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.004)]
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')
