# DINOv3 ViT-S/16 with DPT's head. The backbone is that of transformers (pip install -e '.[hf]'); its license must be accepted on
# the hub, then: hf download facebook/dinov3-vits16-pretrain-lvd1689m --local-dir data/weights/dinov3-vits16-pretrain-lvd1689m
_base_ = './dpt_dinov2-s.py'
model = dict(
    segmentor=dict(
        backbone=dict(
            _delete_=True,
            type='HuggingFaceBackbone',
            model='facebook/dinov3-vits16-pretrain-lvd1689m',
            out_indices=(2, 5, 8, 11),
        ),
        decode_head=dict(patch_size=16),
    ),
    data_preprocessor=dict(test_cfg=dict(size_divisor=16)),  # whole images hold whole patches
)
