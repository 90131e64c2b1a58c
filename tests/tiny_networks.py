"""Networks of the host with heads of every kind, in small."""

from __future__ import annotations

from typing import Any, Callable, Dict, Union

import tiny

CROSS_ENTROPY = dict(type='CrossEntropyLoss', avg_non_ignore=True)
OHEM = dict(type='OhemCrossEntropy', thres=0.9, min_kept=10)


def network(backbone: Union[dict, str], *heads: dict, **changes: Any) -> dict:
    """Complete a config by classes, norm and loss; several heads are a cascade."""
    common = dict(num_classes=tiny.NUM_CLASSES, norm_cfg=tiny.NORM, align_corners=False, loss_decode=CROSS_ENTROPY)
    built = [dict(common, **head) for head in heads]
    if len(built) > 1:
        changes.update(type='CascadeEncoderDecoder', num_stages=len(built))
    backbone = dict(type=backbone) if isinstance(backbone, str) else backbone
    return tiny.tiny_segmentor(**dict(dict(backbone=backbone, decode_head=built if built[1:] else built[0]), **changes))


def head(kind: str, **options: Any) -> dict:
    """Config of a head on the last level of the tiny backbone."""
    return dict(dict(type=kind, in_channels=8, in_index=1, channels=8, dropout_ratio=0.1), **options)


def both_levels(kind: str, **options: Any) -> dict:
    """Config of a head on both levels of the tiny backbone."""
    return head(kind, in_channels=[8, 8], in_index=[0, 1], **options)


def dpt(readout_type: str = 'project', tokens: bool = True) -> dict:
    """DPT as in the host's configs: each level of its ViT is a list of map and class token."""
    vit = dict(type='VisionTransformer', img_size=32, patch_size=8, embed_dims=16, num_layers=4, num_heads=2)
    vit.update(mlp_ratio=1, out_indices=(0, 1, 2, 3), output_cls_token=tokens)
    own = dict(type='DPTHead', in_channels=(16,) * 4, in_index=(0, 1, 2, 3), input_transform='multiple_select')
    own.update(embed_dims=16, post_process_channels=[8, 8, 8, 8], readout_type=readout_type, patch_size=8, channels=8)
    return network(vit, own)


def point_rend() -> dict:
    """A coarse map, whose uncertain points are predicted again."""
    train = dict(num_points=32, oversample_ratio=3, importance_sample_ratio=0.75)
    test = dict(mode='whole', subdivision_steps=2, subdivision_num_points=16, scale_factor=2)
    points = dict(type='PointHead', in_channels=[8], in_index=[0], channels=8, num_fcs=1, norm_cfg=None)
    return network('TinyBackbone', tiny.fcn_head(), points, train_cfg=train, test_cfg=test)


def ddrnet() -> dict:
    """Encoder and head return two levels and two maps in training, one of each at inference."""
    backbone = dict(type='DDRNet', in_channels=3, channels=4, ppm_channels=4, norm_cfg=tiny.NORM, align_corners=False)
    return network(backbone, dict(type='DDRHead', in_channels=16, channels=8, loss_decode=[OHEM, OHEM]))


def pidnet() -> dict:
    """Three levels and maps, one of them of edges."""
    backbone = dict(type='PIDNet', in_channels=3, channels=4, ppm_channels=4, num_stem_blocks=1, num_branch_blocks=1)
    backbone.update(norm_cfg=tiny.NORM, align_corners=False)
    losses = [CROSS_ENTROPY, OHEM, dict(type='BoundaryLoss'), OHEM]
    return network(backbone, dict(type='PIDHead', in_channels=16, channels=8, loss_decode=losses))


def segmenter() -> dict:
    """Class embeddings meet patches: no convolution at the end."""
    own = head('SegmenterMaskTransformerHead', num_layers=1, num_heads=2, embed_dims=8, dropout_ratio=0.0)
    return network('TinyBackbone', dict({key: own[key] for key in own if key != 'norm_cfg'}, norm_cfg=dict(type='LN')))


def knet() -> dict:
    """A map per stage in training, the last one at inference."""
    updator = dict(type='KernelUpdator', in_channels=8, feat_channels=8, out_channels=8, norm_cfg=dict(type='LN'))
    update = dict(type='KernelUpdateHead', num_classes=tiny.NUM_CLASSES, num_ffn_fcs=2, num_heads=2, num_mask_fcs=1)
    update.update(feedforward_channels=8, in_channels=8, out_channels=8, dropout=0.0, conv_kernel_size=1)
    update.update(ffn_act_cfg=dict(type='ReLU', inplace=True), with_ffn=True, kernel_updator_cfg=updator)
    update.update(feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None))
    own = dict(
        type='IterativeDecodeHead', num_stages=1, kernel_update_head=[update], kernel_generate_head=tiny.fcn_head()
    )
    return tiny.tiny_segmentor(decode_head=own)


NETWORKS: Dict[str, Callable[[], dict]] = {
    'DPT': dpt,
    'DPT, maps alone': lambda: dpt('ignore', tokens=False),
    'OCRNet': lambda: network('TinyBackbone', tiny.fcn_head(in_index=0), head('OCRHead', in_index=0, ocr_channels=4)),
    'PointRend': point_rend,
    'DDRNet': ddrnet,
    'PIDNet': pidnet,
    'DANet': lambda: network('TinyBackbone', head('DAHead', pam_channels=4)),
    'EncNet': lambda: network('TinyBackbone', both_levels('EncHead', num_codes=4)),
    'Segmenter': segmenter,
    'K-Net': knet,
}
