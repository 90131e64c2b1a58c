_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_scribble_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(type='ScribbleSupervised', segmentor=_base_.segmentor)
