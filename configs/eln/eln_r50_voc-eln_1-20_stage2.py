_base_ = './eln_r50_voc-eln_1-20.py'
# Stage 2 alone, from the last checkpoint of stage 1.
load_from = 'work_dirs/eln_r50_voc-eln_1-20_stage1/last_checkpoint'
train_cfg = dict(max_iters=380 * 266, val_interval=4 / 380)
custom_hooks = [
    dict(type='ELNStageHook', starts=dict(semi=0)),
    dict(type='MeanTeacherHook', momentum=0.005, warmup=False),
]
