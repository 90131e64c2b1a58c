"""Networks of the host with heads of every kind, in small."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
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


def deeplabv3plus() -> dict:
    """One map of logits, as most heads of the host."""
    own = head('DepthwiseSeparableASPPHead', dilations=(1, 2), c1_in_channels=8, c1_channels=4)
    return network('TinyBackbone', own)


NETWORKS: Dict[str, Callable[[], dict]] = {
    'DeepLabV3+': deeplabv3plus,
    'SegFormer': lambda: network('TinyBackbone', both_levels('SegformerHead')),
    'DPT': dpt,
    'DPT, maps alone': lambda: dpt('ignore', tokens=False),
    'OCRNet': lambda: network('TinyBackbone', tiny.fcn_head(), head('OCRHead', ocr_channels=4)),
    'PointRend': point_rend,
    'DDRNet': ddrnet,
    'PIDNet': pidnet,
    'DANet': lambda: network('TinyBackbone', head('DAHead', pam_channels=4)),
    'EncNet': lambda: network('TinyBackbone', both_levels('EncHead', num_codes=4)),
    'Segmenter': segmenter,
    'K-Net': knet,
}


def is_installed(*packages: str) -> bool:
    """Whether optional packages are there: ``make test-backbones`` has them."""
    return all(importlib.util.find_spec(package) for package in packages)


FOLDERS = tempfile.TemporaryDirectory()


def saved_model(kind: str) -> str:
    """Folder of a model with random weights, as it comes from the hub."""
    import transformers

    folder = Path(FOLDERS.name) / kind
    if not folder.is_dir():
        size = dict(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, image_size=32, patch_size=8)
        if kind == 'SigLIP2':
            vision = dict(size, intermediate_size=16)
            text = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=8)
            config = transformers.SiglipConfig(text_config=dict(text, projection_size=16), vision_config=vision)
            model = transformers.SiglipModel(config)
        elif kind == 'DINOv3':
            model = transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(**size, intermediate_size=16))
        else:
            model = transformers.Dinov2Model(transformers.Dinov2Config(**size, mlp_ratio=1))
        model.save_pretrained(folder)
    return str(folder)


def hugging_face(kind: str, **options: Any) -> dict:
    """DPT's head on a model of ``transformers``."""
    backbone = dict(type='HuggingFaceBackbone', model=saved_model(kind), out_indices=(0, 1, 2, 3), **options)
    readout = 'project' if options.get('with_cls_token') else 'ignore'
    return network(backbone, dpt(readout)['decode_head'])


def mmpretrain_vit() -> dict:
    """mmpretrain's ViT, which classifies unless told to return maps."""
    arch = dict(embed_dims=16, num_layers=4, num_heads=2, feedforward_channels=16)
    backbone = dict(type='mmpretrain.VisionTransformer', arch=arch, img_size=32, patch_size=8, out_type='featmap')
    return network(dict(backbone, out_indices=(0, 1, 2, 3)), dpt('ignore')['decode_head'])


def mmpretrain_convnext() -> dict:
    """mmpretrain's ConvNeXt, likewise."""
    backbone = dict(type='mmpretrain.ConvNeXt', arch=dict(depths=[1, 1], channels=[8, 8]), stem_patch_size=2)
    backbone.update(out_indices=(0, 1), gap_before_final_norm=False, drop_path_rate=0.0)
    return network(backbone, both_levels('UPerHead', pool_scales=(1, 2)))


def timm_convnext() -> dict:
    """A network of timm in mmseg's wrapper."""
    backbone = dict(type='TIMMBackbone', model_name='test_convnext', features_only=True, pretrained=False)
    head = dict(type='UPerHead', in_channels=[24, 32, 48, 64], in_index=[0, 1, 2, 3], pool_scales=(1, 2), channels=8)
    return network(backbone, head)


if is_installed('mmpretrain'):
    import mmpretrain.models  # noqa: F401

    NETWORKS['mmpretrain ViT'] = mmpretrain_vit
    NETWORKS['mmpretrain ConvNeXt'] = mmpretrain_convnext
if is_installed('timm'):
    NETWORKS['timm ConvNeXt'] = timm_convnext
if is_installed('transformers'):
    NETWORKS['DINOv2'] = lambda: hugging_face('DINOv2', with_cls_token=True)
    NETWORKS['DINOv3'] = lambda: hugging_face('DINOv3')
    NETWORKS['SigLIP2'] = lambda: hugging_face('SigLIP2')
