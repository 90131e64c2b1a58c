# The backbone at a tenth of the rate keeps what it knows and still follows images unlike those it was pretrained on.
_base_ = './adamw_poly_camvid_cpu.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
