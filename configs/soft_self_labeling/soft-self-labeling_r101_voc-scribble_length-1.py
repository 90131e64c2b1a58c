_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/datasets/voc_scribble.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='SoftSelfLabeling',
    self_labeling=dict(eta=0.3, potts_weight=6.0, bandwidth=9.0),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size),
)
custom_hooks = [dict(type='ScribbleVisHook', interval=1000, bandwidth=9.0)]
# Starts from scribbles alone, trained first with the config of that name.
load_from = 'work_dirs/scribble-supervised_r101_voc-scribble_length-1/last_checkpoint'
