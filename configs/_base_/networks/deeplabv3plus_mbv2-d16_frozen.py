# A few dozen labels teach a head, not a backbone: its pretrained features stay as they are, which is cheaper, too.
_base_ = './deeplabv3plus_mbv2-d16.py'
model = dict(segmentor=dict(backbone=dict(frozen_stages=6, norm_eval=True)))
