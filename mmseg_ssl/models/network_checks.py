"""Checks of the networks that a branch takes; others are refused when the model is built."""

from typing import Mapping

import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import nn

from ..errors import NetworkError
from .decoding import classifier_of, heads_of
from .unread_settings import check_loss_names, check_test_cfg

REFUSED = dict(
    MaskFormerHead='a set of masks with a class each, matched to the segments of the labels',
    Mask2FormerHead='a set of masks with a class each, matched to the segments of the labels',
    VPDDepthHead='depth',
)
"""Heads without logits per pixel, and what they predict."""


def refuse_heads(segmentor: dict) -> None:
    """Refuse decode heads by name that have no logits per pixel; without mmdet some cannot even be built.

    Args:
        segmentor: Config of the network.

    Raises:
        NetworkError: There is such a head.
    """
    heads = segmentor.get('decode_head') or []
    for head in heads if isinstance(heads, (list, tuple)) else [heads]:
        name = str(head.get('type')).split('.')[-1]
        if name in REFUSED:
            raise NetworkError(
                f'{name} predicts {REFUSED[name]}, and no logits per pixel, by which unlabeled pixels are taught. '
                'Take a decode head that has them, such as UPerHead on the same backbone, or K-Net.'
            )


POOLED = ('cls_token', 'avg_featmap', 'raw')


def check_backbone(backbone: nn.Module) -> None:
    """Refuse a backbone that gives no maps: mmpretrain's classify, and pool unless told otherwise.

    Args:
        backbone: The segmentor's.

    Raises:
        NetworkError: It pools, or returns tokens.
    """
    kind = type(backbone).__name__
    if getattr(backbone, 'out_type', '') in POOLED:
        raise NetworkError(
            f'{kind} has out_type={backbone.out_type!r}: no maps, which a decode head reads. Set '
            "backbone=dict(out_type='featmap'), and out_indices to the levels that the head reads."
        )
    pooling = [name for name in ('gap_before_final_norm', 'gap_before_output') if getattr(backbone, name, False)]
    if pooling:
        raise NetworkError(
            f'{kind} has {pooling[0]}=True: its last level is pooled, and a decode head reads maps. Set '
            f'backbone=dict({pooling[0]}=False).'
        )


def check_embedding(decode_head: nn.Module, side_heads: Mapping[str, nn.Module], needed: bool) -> None:
    """Refuse a decode head without an embedding where one is read.

    Args:
        decode_head: The segmentor's; a list of a cascade.
        side_heads: The side heads by name.
        needed: Whether the method reads the embedding itself.

    Raises:
        NetworkError: It does, or a side head does, and the head does not end in ``conv_seg``; or the head has side
            heads of its own.
    """
    inside = [type(head).__name__ for head in heads_of(decode_head) if getattr(head, 'side_heads', None) is not None]
    if inside:
        raise NetworkError(
            f'{inside[0]} has side heads of its own, which a plain EncoderDecoder trains and a method does not. Give '
            'side_heads to the method: model=dict(side_heads=...), and the decode head its own type.'
        )
    readers = [f'side head {name!r}' for name, head in side_heads.items() if getattr(head, 'reads_embedding', True)]
    readers += ['method'] if needed else []
    if readers and classifier_of(decode_head) is None:
        raise NetworkError(
            f'The {" and the ".join(readers)} reads the embedding, the input of conv_seg, and '
            f'{type(heads_of(decode_head)[-1]).__name__} has no conv_seg. Take a decode head that ends in it, such as '
            'FCNHead, UPerHead, SegformerHead or OCRHead, or a method that reads no embedding (docs/networks.md).'
        )


def check_network(segmentor: nn.Module) -> None:
    """Refuse a network that a branch cannot predict with or would train wrongly.

    Args:
        segmentor: The network built from ``model.segmentor``.

    Raises:
        NetworkError: It is no ``EncoderDecoder`` with decode heads of mmseg's, has a backbone without maps, one class,
            a head with one channel whose loss does not train it, a loss that is only logged, or an unknown
            ``test_cfg``.
    """
    heads = heads_of(getattr(segmentor, 'decode_head', nn.ModuleList()))
    if not isinstance(segmentor, EncoderDecoder) or not all(isinstance(head, BaseDecodeHead) for head in heads):
        raise NetworkError(
            'A branch wraps an EncoderDecoder or a CascadeEncoderDecoder with decode heads of mmseg, got '
            f'{type(segmentor).__name__} with {", ".join(type(head).__name__ for head in heads) or "no decode_head"}.'
        )
    check_backbone(segmentor.backbone)
    if heads[-1].num_classes < 2:
        raise NetworkError(
            f'decode_head has num_classes={heads[-1].num_classes}, but what is not the object is a class, too: masks '
            'are 0 for background and 1 for the object. Set num_classes=2 and out_channels=1 (with threshold=0.5 and '
            'loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=True, avg_non_ignore=True)), and name both classes '
            'in metainfo of each dataset.'
        )
    auxiliary = segmentor.auxiliary_head if segmentor.with_auxiliary_head else []
    auxiliary = auxiliary if isinstance(auxiliary, (nn.ModuleList, list)) else [auxiliary]
    named = [*(('decode_head', own) for own in heads), *(('auxiliary_head', own) for own in auxiliary)]
    check_test_cfg(segmentor.test_cfg or {})
    for name, own in named:
        check_loss_names(name, own)
        # a head with labels of its own, such as STDC's boundary head, is not checked
        if own.out_channels == 1 and type(own).loss_by_feat is BaseDecodeHead.loss_by_feat:
            _check_one_channel(name, own)


@torch.no_grad()
def _check_one_channel(name: str, head: BaseDecodeHead) -> None:
    """Try the head's losses on a few pixels: many of the host's take one channel for that of class 0.

    Args:
        name: Of the head in the config.
        head: With one channel for two classes.

    Raises:
        NetworkError: If a loss fails, or is no lower where every pixel is right than where every pixel is wrong.
    """
    advice = (
        'Use CrossEntropyLoss with use_sigmoid=True and avg_non_ignore=True, its class_weight, if any, one number for '
        'class 1: [w]; or HardPixelCrossEntropy; or drop out_channels=1 and use_sigmoid.'
    )
    with torch.device('cpu'):  # the model may be built on the meta device
        # a sure prediction, right and wrong: a loss of class 1 must tell them apart
        logits = torch.tensor([4.0, -4.0] * 7 + [4.0]).view(1, 1, 3, 5)
        sample = SegDataSample(gt_sem_seg=PixelData(data=(logits[0] > 0).long()))
        try:
            right, wrong = (head.loss_by_feat(values, [sample]) for values in (logits, -logits))
        except Exception as error:  # whatever a loss says of shapes that it does not know
            reason = f'{type(error).__name__}: {error}'
            raise NetworkError(
                f'{name} has one channel, which its loss_decode or sampler cannot train ({reason}). {advice}'
            ) from error
    untaught = [key for key in right if 'loss' in key and right[key].mean() >= wrong[key].mean()]
    if untaught:
        raise NetworkError(
            f'{name} has one channel, the logit of class 1, but {", ".join(untaught)} is no lower where every pixel is '
            f'right: it takes the channel for that of class 0, or for the only one. {advice}'
        )
