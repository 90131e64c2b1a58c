# DeepLabV3+ on ResNet-50 v1c at stride 16, as CPCL and DUEB have it: the host's file, re-homed.
# The papers' head has plain 3x3 convolutions and LeakyReLU in the ASPP; this is the host's separable head.
# SyncBN as in the host: one process (or a CPU) runs it as BatchNorm.
_base_ = 'mmseg::_base_/models/deeplabv3plus_r50-d8.py'
head = {key: value for key, value in _base_.model.decode_head.items() if key != 'num_classes'}  # the data say it
model = dict(
    _delete_=True,
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            _base_.model.backbone,
            strides=(1, 2, 2, 1),
            dilations=(1, 1, 1, 2),
            multi_grid=(2, 4, 8),
            init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
        ),
        decode_head=dict(
            head,
            channels=256,
            dilations=(1, 6, 12, 18),
            dropout_ratio=0.0,
            align_corners=True,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    ),
    data_preprocessor=dict(_base_.data_preprocessor, type='SemiDataPreProcessor', channels_last=True),
)
