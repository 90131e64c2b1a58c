_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d16.py',
    '../_base_/datasets/cityscapes_semi_256x512.py',
    '../_base_/schedules/adam_cutmix_seg.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='CutMixSeg',
    predict_on=('student', 'teacher'),
    segmentor=dict(_base_.segmentor, backbone=dict(norm_eval=True, norm_cfg=dict(requires_grad=False))),
    data_preprocessor=dict(size=_base_.crop_size, strong=_base_.perturbation),
)
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-8.txt', unlabeled_per_labeled=2))
optim_wrapper = dict(optimizer=dict(lr=3e-5))
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01, warmup=False)]
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')
