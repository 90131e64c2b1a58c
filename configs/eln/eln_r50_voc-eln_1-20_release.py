_base_ = './eln_r50_voc-eln_1-20.py'  # with the public code's choices where the paper is silent, or says otherwise
model = dict(
    batch_statistics='separate',
    gate='batch',
    reduction='sum',
    pseudo_mean='kept',
    student_views=('weak', 'strong'),
    localizer=dict(inputs='logits', balance='batch', ignored_as_wrong=True),
    contrast=dict(windows=8, positives='log_sum', anchors='teacher'),
    teacher=dict(eval_mode=False, buffers='own'),
)
custom_hooks = [
    dict(type='ELNStageHook', starts=_base_.starts, reset_interval=266),
    dict(type='MeanTeacherHook', momentum=0.005, warmup=False),
]
