# ELN on Cityscapes: AdamW without a schedule, one rate for all. The public code's epochs of 266 iterations: 100 of L_sup, 58 of eq. 7, 500 in all.
starts = dict(pretrain=0, warmup=100 / 500, semi=158 / 500)
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-5),
)
param_scheduler = None
train_cfg = dict(type='SemiTrainLoop', max_iters=500 * 266, val_interval=4 / 500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
custom_hooks = [
    dict(type='ELNStageHook', starts=starts),
    dict(type='MeanTeacherHook', momentum=0.005, warmup=False),
]
find_unused_parameters = True  # of the parts that wait for their stage, on several processes
