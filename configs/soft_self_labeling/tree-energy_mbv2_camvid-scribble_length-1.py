_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_scribble_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(type='TreeEnergy', segmentor=_base_.segmentor, tree=dict(weight=0.4, sigma=0.02))
custom_hooks = [
    dict(type='StageHook', starts=dict(pretrain=0, full=0.5)),
    dict(type='ScribbleVisHook', interval=400),
]
