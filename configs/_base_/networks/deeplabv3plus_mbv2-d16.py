# DeepLabV3+ on MobileNetV2 at stride 16, small enough for a CPU. BN, not SyncBN: one process is the usual case.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='MobileNetV2',
            strides=(1, 2, 2, 2, 1, 1, 1),
            dilations=(1, 1, 1, 1, 1, 2, 2),
            out_indices=(1, 2, 4, 6),
            norm_cfg=norm_cfg,
            conv_cfg=dict(type='Conv2dAdaptivePadding'),  # the weights were trained with 'SAME' padding
            init_cfg=dict(type='Pretrained', checkpoint='data/weights/mobilenet_v2_imagenet.pth'),
        ),
        decode_head=dict(
            type='DepthwiseSeparableASPPHead',
            in_channels=320,
            in_index=3,
            channels=128,
            dilations=(1, 6, 12, 18),
            c1_in_channels=24,
            c1_channels=48,
            dropout_ratio=0.1,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    ),
    data_preprocessor=dict(
        type='SemiDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=16,
        channels_last=True,
    ),
)
