# DeepLabV2 on ResNet-101 v1c at stride 8: the sum of four dilated classifiers. For the rows of DeepLabV2 in tables of
# weak supervision. SyncBN and the weights are those of the other networks; the paper's norms are frozen.
_base_ = './deeplabv3plus_r101-d8.py'
model = dict(
    segmentor=dict(
        decode_head=dict(
            _delete_=True,
            type='DeepLabV2Head',
            in_channels=2048,
            in_index=3,
            channels=2048,
            dropout_ratio=0.0,
            align_corners=True,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
)
