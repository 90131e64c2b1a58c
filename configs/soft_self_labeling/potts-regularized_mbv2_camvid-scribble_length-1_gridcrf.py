_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_scribble_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='PottsRegularized',
    segmentor=_base_.segmentor,
    eta=0.0,
    potts=dict(relaxation='quadratic', weight=6.0, normalization='pixels'),
)
custom_hooks = [
    dict(type='StageHook', starts=dict(pretrain=0, full=0.5)),
    dict(type='ScribbleVisHook', interval=400),
]
