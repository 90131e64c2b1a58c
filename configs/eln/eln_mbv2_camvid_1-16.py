_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/networks/eln_localizer_mbv2.py',
    '../_base_/datasets/camvid_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ELN',
    segmentor=_base_.segmentor,
    predict_on=('student', 'teacher'),
    predict_correctness=True,
    slack=(1.5, 3.0),  # the loss ends near 0.4 here, not 0.01: at 20 times it, no decoder would ever be taught
    contrast=dict(samples_per_class=64),  # with 256 eq. 10 alone is a large part of a step on a CPU
    localizer=_base_.localizer,
    data_preprocessor=dict(strong=_base_.perturbation),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(localizer=dict(lr_mult=5.0), auxiliary=dict(lr_mult=5.0))))
train_dataloader = dict(batch_size=4, dataset=dict(split='camvid/1-16_draw0.txt'))
starts = dict(pretrain=0, warmup=0.0625, semi=0.375)
custom_hooks = [dict(type='ELNStageHook', starts=starts), dict(type='MeanTeacherHook', momentum=0.02, warmup=False)]
find_unused_parameters = True  # of the parts that wait for their stage, on several processes
localization = dict(type='ErrorLocalizationMetric', further_thresholds=(0.3, 0.4, 0.6, 0.7))
val_evaluator = test_evaluator = [*_base_.test_evaluator, localization]
