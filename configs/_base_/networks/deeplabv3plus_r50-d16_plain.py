# DeepLabV3+ on ResNet-50 v1c at stride 16 with the head of the public codes of CPS, CPCL and DUEB: plain convolutions,
# LeakyReLU in the ASPP. BN, as DUEB has it: its statistics are those of a process.
_base_ = './deeplabv3plus_r50-d16.py'
norm_cfg = dict(type='BN', requires_grad=True)
head = dict(type='PlainASPPHead', norm_cfg=norm_cfg)
model = dict(segmentor=dict(backbone=dict(norm_cfg=norm_cfg), decode_head=head))
