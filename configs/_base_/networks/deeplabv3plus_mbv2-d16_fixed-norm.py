# The backbone is trained and keeps its pretrained BatchNorm statistics: a few images know no better ones.
_base_ = './deeplabv3plus_mbv2-d16.py'
model = dict(segmentor=dict(backbone=dict(norm_eval=True)))
