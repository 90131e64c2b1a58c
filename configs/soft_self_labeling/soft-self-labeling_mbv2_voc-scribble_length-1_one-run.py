_base_ = './soft-self-labeling_mbv2_voc-scribble_length-1.py'
# Scribbles alone for the first sixth, in one run with one schedule.
load_from = None
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='StageHook', starts=dict(pretrain=0, full=1 / 6)),
]
