# DeepLab on VGG-16 at stride 8 with a large field of view, for the rows of VGG-16 in tables of weak supervision.
model = dict(
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='DilatedVGG',
            init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/vgg16-397923af.pth'),
        ),
        decode_head=dict(
            type='LargeFOVHead',
            in_channels=512,
            in_index=0,
            channels=1024,
            dropout_ratio=0.5,
            align_corners=True,
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
        channels_last=True,
    ),
)
