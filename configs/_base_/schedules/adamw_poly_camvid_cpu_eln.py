# As adamw_poly_camvid_cpu.py; ELN's stages, of which the paper's schedule has 70 and 120 of 500 epochs.
_base_ = './adamw_poly_camvid_cpu.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(localizer=dict(lr_mult=5.0), auxiliary=dict(lr_mult=5.0))))
custom_hooks = [
    dict(type='ELNStageHook', starts=dict(pretrain=0, warmup=0.0625, semi=0.375)),
    dict(type='MeanTeacherHook', momentum=0.02, warmup=False),
]
find_unused_parameters = True  # of the parts that wait for their stage, on several processes
