# As adamw_poly_msrc21_cpu.py; scribbles alone for the first fifth.
_base_ = './adamw_poly_msrc21_cpu.py'
custom_hooks = [
    dict(type='StageHook', starts=dict(pretrain=0, full=0.2)),
    dict(type='ScribbleVisHook', interval=300),
]
