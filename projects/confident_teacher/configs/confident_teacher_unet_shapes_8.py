_base_ = [
    '../../../configs/_base_/networks/unet_tiny.py',
    '../../../configs/_base_/datasets/shapes_semi.py',
    '../../../configs/_base_/schedules/sgd_poly_shapes.py',
    '../../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmseg_ssl', 'confident_teacher'], allow_failed_imports=False)
model = dict(
    type='ConfidentTeacher',
    segmentor=_base_.segmentor,
    data_preprocessor=dict(strong=dict(type='StrongAugment')),
    predict_on=('student', 'teacher'),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='shapes/8_draw0.txt'))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01), dict(type='UnsupRampHook', begin=1 / 6, end=1 / 3)]
