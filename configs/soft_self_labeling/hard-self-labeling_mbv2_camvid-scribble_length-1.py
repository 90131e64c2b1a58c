_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_scribble_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
# 11 classes: an error rate of 0.944 would be above 10 / 11.
model = dict(
    type='HardSelfLabeling',
    segmentor=_base_.segmentor,
    error_rate=0.5,
    self_labeling=dict(unary_weight=1.0, potts_weight=6.0, connectivity=4, max_iterations=2),
)
custom_hooks = [
    dict(type='StageHook', starts=dict(pretrain=0, full=0.5)),
    dict(type='ScribbleVisHook', interval=400),
]
