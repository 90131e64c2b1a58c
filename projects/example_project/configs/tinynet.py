# What the project had before: a plain mmseg model.
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[128.0] * 3, std=[64.0] * 3, bgr_to_rgb=True, size_divisor=8, seg_pad_val=255
    ),
    backbone=dict(type='TinyNet', channels=(16, 32, 32)),
    decode_head=dict(
        type='FCNHead',
        in_channels=32,
        in_index=2,
        channels=32,
        num_convs=1,
        num_classes=8,
        norm_cfg=dict(type='BN'),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
