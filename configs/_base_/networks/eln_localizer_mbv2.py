# ELN's judge in the size of a CPU, MobileNetV2 at stride 16: model=dict(localizer=_base_.localizer).
localizer_norm = dict(type='BN', requires_grad=True)
localizer = dict(
    type='ErrorLocalizer',
    stem='inflated',  # too few iterations to learn a first convolution from nothing
    prior='confidence',  # nor what the prediction says of itself
    backbone=dict(
        type='MobileNetV2',
        strides=(1, 2, 2, 2, 1, 1, 1),
        dilations=(1, 1, 1, 1, 1, 2, 2),
        out_indices=(1, 2, 4, 6),
        norm_cfg=localizer_norm,
        conv_cfg=dict(type='Conv2dAdaptivePadding'),
        init_cfg=dict(type='Pretrained', checkpoint='data/weights/mobilenet_v2_imagenet.pth'),
    ),
    decode_head=dict(
        type='DepthwiseSeparableASPPHead',
        in_channels=320,
        in_index=3,
        channels=64,
        dilations=(1, 6, 12, 18),
        c1_in_channels=24,
        c1_channels=24,
        dropout_ratio=0.1,
        norm_cfg=localizer_norm,
        align_corners=False,
    ),
)
# color jitter and random grayscale, as in the paper; no blur
perturbation = dict(
    type='StrongAugment', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter_prob=1.0, blur_prob=0.0
)
options = dict(
    predict_on=('student', 'teacher'),
    predict_correctness=True,
    contrast=dict(samples_per_class=64),  # with 256, eq. 10 is a large part of a CPU step
)
localization = dict(type='ErrorLocalizationMetric', further_thresholds=(0.3, 0.4, 0.6, 0.7))
