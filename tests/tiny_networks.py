"""Networks of the host with heads of every kind, in small."""

from __future__ import annotations

from typing import Any, Callable, Dict

import tiny

CROSS_ENTROPY = dict(type='CrossEntropyLoss', avg_non_ignore=True)


def dpt(readout_type: str = 'project', tokens: bool = True) -> dict:
    """DPT as in the host's configs: each level of its ViT is a list of map and class token."""
    vit = dict(type='VisionTransformer', img_size=32, patch_size=8, embed_dims=16, num_layers=4, num_heads=2)
    vit.update(mlp_ratio=1, out_indices=(0, 1, 2, 3), output_cls_token=tokens)
    head = dict(type='DPTHead', in_channels=(16,) * 4, in_index=(0, 1, 2, 3), input_transform='multiple_select')
    head.update(embed_dims=16, post_process_channels=[8, 8, 8, 8], readout_type=readout_type, patch_size=8, channels=8)
    return tiny_network(vit, head)


def tiny_network(backbone: dict, head: dict, **changes: Any) -> dict:
    """Complete a config by classes and loss."""
    head = dict(dict(num_classes=tiny.NUM_CLASSES, norm_cfg=tiny.NORM, loss_decode=dict(CROSS_ENTROPY)), **head)
    return tiny.tiny_segmentor(backbone=backbone, decode_head=head, **changes)


NETWORKS: Dict[str, Callable[[], dict]] = {
    'dpt': dpt,
    'dpt_maps': lambda: dpt('ignore', tokens=False),
}
