# ViT-B/16 with a linear decoder: one 1x1 convolution on the last layer's patches. The weights are
# vit-base-patch16-224's, with the keys of mmseg: tools/model_converters/vit2mmseg.py of mmsegmentation writes them from
# jx_vit_base_p16_224-80ecf9dd.pth.
model = dict(
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='VisionTransformer',
            img_size=(512, 512),
            patch_size=16,
            embed_dims=768,
            num_layers=12,
            num_heads=12,
            mlp_ratio=4,
            out_indices=11,
            qkv_bias=True,
            with_cls_token=True,
            final_norm=True,
            norm_cfg=dict(type='LN', eps=1e-6),
            interpolate_mode='bicubic',
            init_cfg=dict(type='Pretrained', checkpoint='data/weights/vit_base_p16_224.pth'),
        ),
        decode_head=dict(
            type='FCNHead',
            in_channels=768,
            in_index=0,
            channels=768,
            num_convs=0,
            concat_input=False,
            dropout_ratio=0.0,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    ),
    data_preprocessor=dict(
        type='SemiDataPreProcessor',
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=16,
        test_cfg=dict(size_divisor=16),  # whole patches, or the map would be stretched
    ),
)
