# A trained teacher: DINOv2 ViT-B/14 with DPT's head, as networks/dpt_dinov2-b.py has it, for VOC's 21 classes.
# It is in eval mode and in no checkpoint; its file is read when the student's training starts.
teacher = dict(
    checkpoint='work_dirs/unimatch_v2_dinov2b_voc-classic_92/last_checkpoint',
    network='teacher',  # the moving average of that run
    size_divisor=14,  # whole patches
    trust=dict(by='entropy', share=0.8),
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='mmpretrain.VisionTransformer',
            arch='base',
            img_size=518,
            patch_size=14,
            layer_scale_init_value=1e-5,
            out_type='featmap',
            out_indices=(2, 5, 8, 11),
        ),
        decode_head=dict(
            type='DPTHead',
            in_channels=(768, 768, 768, 768),
            in_index=(0, 1, 2, 3),
            input_transform='multiple_select',
            embed_dims=768,
            post_process_channels=[96, 192, 384, 768],
            patch_size=14,
            channels=128,
            dropout_ratio=0.0,
            norm_cfg=None,
            align_corners=True,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
            num_classes=21,
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    ),
)
