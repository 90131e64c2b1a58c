"""Checks of the networks that a branch takes; others are refused when the model is built."""

from typing import List, Tuple

import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import nn

from ..errors import NetworkError


def check_network(segmentor: nn.Module) -> None:
    """Refuse a network that a branch cannot predict with or would train wrongly.

    Args:
        segmentor: The network built from ``model.segmentor``.

    Raises:
        NetworkError: It is no ``EncoderDecoder`` with one decode head that ends in ``conv_seg``, has one class, or a
            head with one channel whose loss does not train it.
    """
    head = getattr(segmentor, 'decode_head', None)
    ends_in_conv_seg = isinstance(getattr(head, 'conv_seg', None), nn.Module)
    if head is None or not isinstance(segmentor, EncoderDecoder) or not ends_in_conv_seg:
        raise NetworkError(
            'A branch wraps an EncoderDecoder whose decode_head ends in conv_seg, got '
            f'{type(segmentor).__name__} with {type(head).__name__}. Use type="EncoderDecoder" with one decode head.'
        )
    if head.num_classes < 2:
        raise NetworkError(
            f'decode_head has num_classes={head.num_classes}, but what is not the object is a class, too: masks are 0 '
            'for background and 1 for the object. Set num_classes=2 and out_channels=1 (with threshold=0.5 and '
            'loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=True, avg_non_ignore=True)), and name both classes '
            'in metainfo of each dataset.'
        )
    auxiliary = segmentor.auxiliary_head if segmentor.with_auxiliary_head else []
    auxiliary = auxiliary if isinstance(auxiliary, (nn.ModuleList, list)) else [auxiliary]
    heads: List[Tuple[str, BaseDecodeHead]] = [('decode_head', head), *(('auxiliary_head', own) for own in auxiliary)]
    for name, own in heads:
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
