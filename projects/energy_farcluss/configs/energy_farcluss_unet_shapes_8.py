_base_ = [
    '../../../configs/_base_/networks/unet_tiny.py',
    '../../../configs/_base_/datasets/shapes_semi.py',
    '../../../configs/_base_/schedules/sgd_poly_shapes.py',
    '../../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmseg_ssl', 'energy_farcluss'], allow_failed_imports=False)
model = dict(
    type='FARCLUSS',
    segmentor=_base_.segmentor,
    reliability=dict(type='EnergyReliability'),  # DUEB's energy: a module of a few lines
    side_heads=dict(variance=dict(type='VarianceHead')),  # DUEB's aleatoric loss on labeled images: by config alone
    data_preprocessor=dict(strong=dict(type='StrongAugment')),
    predict_on=('student', 'teacher'),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='shapes/8_draw0.txt'))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01), dict(type='UnsupRampHook', begin=1 / 6, end=1 / 3)]
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')
