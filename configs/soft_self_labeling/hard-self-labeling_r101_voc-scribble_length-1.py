_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/datasets/voc_scribble.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='HardSelfLabeling',
    error_rate=0.944,
    self_labeling=dict(unary_weight=0.05, potts_weight=100.0),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size),
)
custom_hooks = [dict(type='ScribbleVisHook', interval=1000, bandwidth=9.0)]
load_from = 'work_dirs/scribble-supervised_r101_voc-scribble_length-1/last_checkpoint'
