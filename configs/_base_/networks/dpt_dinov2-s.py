# DINOv2 ViT-S/14 with DPT's head, as in UniMatch V2. The backbone is mmpretrain's (pip install mmpretrain), so a
# config that inherits this says custom_imports = dict(imports=['mmseg_ssl', 'mmpretrain.models']).
# What differs from the paper: only the last of the four levels passes the backbone's final norm.
model = dict(
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='mmpretrain.VisionTransformer',
            arch='dinov2-small',
            img_size=518,
            patch_size=14,
            layer_scale_init_value=1e-5,
            out_type='featmap',
            out_indices=(2, 5, 8, 11),
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmpretrain/v1.0/dinov2/vit-small-p14_dinov2-pre_3rdparty_20230426-5641ca5a.pth',
                prefix='backbone.',
            ),
        ),
        decode_head=dict(
            type='DPTHead',
            in_channels=(384, 384, 384, 384),
            in_index=(0, 1, 2, 3),
            input_transform='multiple_select',
            embed_dims=384,
            post_process_channels=[48, 96, 192, 384],
            patch_size=14,
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
        test_cfg=dict(size_divisor=14),  # whole images hold whole patches
    ),
)
