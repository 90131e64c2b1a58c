# DINOv2 ViT-B/14 with DPT's head, as in UniMatch V2: wider than ViT-S/14, else the same.
_base_ = './dpt_dinov2-s.py'
model = dict(
    segmentor=dict(
        backbone=dict(
            arch='base',  # so mmpretrain calls DINOv2's ViT-B; it has 'dinov2-small' because its 'small' is another
            init_cfg=dict(
                checkpoint='https://download.openmmlab.com/mmpretrain/v1.0/dinov2/vit-base-p14_dinov2-pre_3rdparty_20230426-ba246503.pth',
            ),
        ),
        decode_head=dict(
            in_channels=(768, 768, 768, 768),
            embed_dims=768,
            post_process_channels=[96, 192, 384, 768],
            channels=128,
        ),
    ),
)
