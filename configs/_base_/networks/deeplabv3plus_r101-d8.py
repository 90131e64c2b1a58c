# DeepLabV3+ on ResNet-101 v1c at stride 8 (rates 12, 24, 36), as FARCLUSS's authors have it: the host's file, re-homed.
# SyncBN as in the host: one process (or a CPU) runs it as BatchNorm.
_base_ = 'mmseg::_base_/models/deeplabv3plus_r50-d8.py'
head = {key: value for key, value in _base_.model.decode_head.items() if key != 'num_classes'}  # the data say it
model = dict(
    _delete_=True,
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            _base_.model.backbone,
            depth=101,
            init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'),
        ),
        decode_head=dict(
            head,
            channels=256,
            dropout_ratio=0.0,
            align_corners=True,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    ),
    data_preprocessor=dict(_base_.data_preprocessor, type='SemiDataPreProcessor', channels_last=True),
)
