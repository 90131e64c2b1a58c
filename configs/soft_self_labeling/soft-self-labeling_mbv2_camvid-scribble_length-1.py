_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_scribble_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
# The paper's ratio of eta and weight (0.3 to 6). eta itself was chosen on val: the loss of the scribbles is of hard pixels
# and weighted classes, beside which 0.3 is little.
model = dict(
    type='SoftSelfLabeling', segmentor=_base_.segmentor, self_labeling=dict(eta=1.0, potts_weight=20.0, bandwidth=9.0)
)
custom_hooks = [
    dict(type='StageHook', starts=dict(pretrain=0, full=0.5)),
    dict(type='ScribbleVisHook', interval=400),
]
