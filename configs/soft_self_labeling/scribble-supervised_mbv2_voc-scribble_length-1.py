_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/voc_scribble.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ScribbleSupervised',
    segmentor=dict(decode_head=dict(num_classes=21)),
    data_preprocessor=dict(size=_base_.crop_size),
)
