# DINOv3 ViT-S/16 with DPT's head. The backbone is that of transformers (pip install -e '.[hf]'); its license must be accepted on
# the hub, then: hf download facebook/dinov3-vits16-pretrain-lvd1689m --local-dir data/weights/dinov3-vits16-pretrain-lvd1689m
model = dict(
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='HuggingFaceBackbone', model='facebook/dinov3-vits16-pretrain-lvd1689m', out_indices=(2, 5, 8, 11)
        ),
        decode_head=dict(
            type='DPTHead',
            in_channels=(384, 384, 384, 384),
            in_index=(0, 1, 2, 3),
            input_transform='multiple_select',
            embed_dims=384,
            post_process_channels=[48, 96, 192, 384],
            patch_size=16,
            channels=64,
            dropout_ratio=0.0,
            norm_cfg=None,
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
        test_cfg=dict(size_divisor=16),  # whole images hold whole patches
    ),
)
