"""One map of logits from the host's decode heads, whatever they return, and the losses of all that they return."""

from contextlib import nullcontext
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmseg.models.decode_heads import DAHead, DDRHead, EncHead, IterativeDecodeHead, PIDHead, PointHead
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from ..errors import NetworkError
from .edge_maps import with_edge_maps

MAIN_OUTPUTS = {DAHead: 0, EncHead: 0, DDRHead: 0, PIDHead: 1, IterativeDecodeHead: -1}
"""Which output of a head of several is the one that it predicts with."""


class Decoded(NamedTuple):
    """What the decode heads of a segmentor say of a batch.

    Attributes:
        logits: Of the last head, ``(B, 1 or C, h, w)``.
        embedding: ``(B, D, h, w)``, the input of the last head's ``conv_seg``, if it has one.
        outputs: What each head returned, for its own loss; None where that is the logits alone.
    """

    logits: Tensor
    embedding: Optional[Tensor]
    outputs: Optional[Tuple[Any, ...]]


def heads_of(decode_head: nn.Module) -> List[Any]:
    """Return the decode heads in their order: several of a cascade, such as OCRNet's or PointRend's."""
    return list(decode_head) if isinstance(decode_head, nn.ModuleList) else [decode_head]


def classifier_of(decode_head: nn.Module) -> Optional[nn.Module]:
    """Return the convolution ``conv_seg`` in which the last head ends, if it does."""
    conv_seg = getattr(heads_of(decode_head)[-1], 'conv_seg', None)
    return conv_seg if isinstance(conv_seg, nn.Module) else None


def decode(decode_head: nn.Module, feats: Any, size: Sequence[int], test_cfg: Optional[dict] = None) -> Decoded:
    """Run the decode heads of a segmentor, each on the one before it.

    Args:
        decode_head: The segmentor's; a list of a cascade.
        feats: What the backbone gave.
        size: ``(H, W)`` of the images.
        test_cfg: The segmentor's, which says how PointRend's head refines its map.

    Returns:
        Logits, embedding and outputs.

    Raises:
        NetworkError: The last head returns several outputs, and it is not known which one it predicts with.
    """
    heads = heads_of(decode_head)
    outputs: List[Any] = []
    seen: List[Tensor] = []
    classifier = classifier_of(decode_head)
    # per call, not for good: a copy of the branch (the teacher) must not report to this one
    watched = classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])) if classifier else None
    with watched or nullcontext():
        for head in heads:
            if isinstance(head, PointHead):  # it predicts points, which its inference puts into the map before it
                outputs.append(head.predict(feats, outputs[-1], [dict(img_shape=torch.Size(size))], test_cfg))
            else:
                outputs.append(head(feats, *outputs[-1:]))
    plain = len(heads) == 1 and isinstance(outputs[0], Tensor)
    logits = main_output(heads[-1], outputs[-1])
    return Decoded(logits, seen[-1] if seen else None, None if plain else tuple(outputs))


def main_output(head: nn.Module, output: Any) -> Tensor:
    """Return the map that a head predicts with.

    Args:
        head: A decode head.
        output: What it returned: a map, or several outputs while it is trained.

    Raises:
        NetworkError: Several outputs of a head that is not known and does not say.
    """
    if isinstance(output, Tensor):
        return output
    known = [place for kind, place in MAIN_OUTPUTS.items() if isinstance(head, kind)]
    place = getattr(head, 'main_output', known[0] if known else None)
    if place is None:
        raise NetworkError(
            f'{type(head).__name__} returns {type(output).__name__} instead of a map of logits. Give the class an '
            'attribute main_output, the place in it of the map (B, C, h, w) that it predicts with.'
        )
    return output[place]


def decode_losses(
    decode_head: nn.Module,
    logits: Tensor,
    outputs: Optional[Sequence[Any]],
    feats: Any,
    samples: List[SegDataSample],
    train_cfg: Optional[dict],
) -> Dict[str, Tensor]:
    """Compute the host's losses of every decode head and of every output.

    Args:
        decode_head: The segmentor's; a list of a cascade.
        logits: The last head's, as the host's code expects them.
        outputs: From :func:`decode`.
        feats: What the backbone gave.
        samples: Labeled samples.
        train_cfg: The segmentor's, which says how many points PointRend's head learns from.

    Returns:
        The host's dict; of a cascade with ``decode_<k>.`` in front, as in the host.
    """
    # loss_by_feat, not loss: the logits exist already, and a second forward would double the cost
    heads = heads_of(decode_head)
    if outputs is None:
        return dict(heads[0].loss_by_feat(logits, samples))
    losses: Dict[str, Tensor] = {}
    for number, (head, output) in enumerate(zip(heads, outputs)):
        if isinstance(head, PointHead):
            own = head.loss(feats, outputs[number - 1], samples, train_cfg)
        else:
            own = head.loss_by_feat(output, with_edge_maps(samples) if isinstance(head, PIDHead) else samples)
        losses.update(add_prefix(own, f'decode_{number}') if len(heads) > 1 else own)
    return losses
