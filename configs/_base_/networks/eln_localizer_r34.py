# ELN's judge, ResNet-34 at stride 16 with DeepLabV3+'s head: model=dict(localizer=_base_.localizer).
localizer_norm = dict(type='SyncBN', requires_grad=True)
localizer = dict(
    type='ErrorLocalizer',
    backbone=dict(
        type='ResNet',
        depth=34,
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        norm_cfg=localizer_norm,
        # all but the first convolution, which also takes prediction and entropy
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet34-b627a593.pth'),
    ),
    decode_head=dict(
        type='TwoLayerASPPHead',
        in_channels=512,
        in_index=3,
        channels=256,
        dilations=(1, 6, 12, 18),
        c1_in_channels=64,
        c1_channels=48,
        dropout_ratio=0.1,
        norm_cfg=localizer_norm,
        align_corners=True,
    ),
)
# color jitter and random grayscale, as in the paper; no blur
perturbation = dict(
    type='StrongAugment', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter_prob=1.0, blur_prob=0.0
)
options = dict(
    predict_on=('student', 'teacher'),
    predict_correctness=True,
    # of eq. 10 the public code's form: that and eq. 9 have the weight 1 with which the paper's numbers were made
    contrast=dict(windows=8, positives='log_sum', anchors='teacher'),
)
