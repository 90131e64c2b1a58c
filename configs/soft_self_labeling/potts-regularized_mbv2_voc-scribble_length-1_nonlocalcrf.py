_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/voc_scribble.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='PottsRegularized',
    # 4 neighbours and 8 random pixels within 100; weights are not published.
    eta=0.0,
    potts=dict(relaxation='quadratic', neighborhood='nonlocal', weight=100.0, normalization='edges'),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size),
)
custom_hooks = [dict(type='ScribbleVisHook', interval=1000, bandwidth=9.0)]
load_from = 'work_dirs/scribble-supervised_mbv2_voc-scribble_length-1/last_checkpoint'
