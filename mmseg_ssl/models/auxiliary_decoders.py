"""Decoders that stay worse than the student, so that a localizer sees enough errors (ELN)."""

import copy
from typing import Any, Dict, List, Sequence

import torch
from mmengine.dist import all_reduce
from mmengine.model import ModuleList
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import class_logits, masked_mean
from ..structures import IGNORE_INDEX, PixelTarget, map_tensors
from ..utils.choices import not_negative, one_of
from .decoding import decode, heads_of
from .losses import constrained_cross_entropy, pixel_cross_entropy

GATES = ('image', 'batch')


class AuxiliaryDecoders(ModuleList):
    r"""Copies of a decode head that learn from labels only while their loss exceeds a multiple of the student's.

    Eq. 3 of Kwon & Kwak (CVPR 2022): decoder :math:`k` learns by its cross entropy where that is above
    :math:`\alpha^k` times the student's. The encoder learns nothing from them.

    Args:
        segmentor: Config of the segmentor, whose ``decode_head`` (or heads, of a cascade) is copied per decoder.
        slack: :math:`\alpha^k`, one per decoder; their number is that of the decoders.
        gate: Compare the losses per ``'image'`` or per ``'batch'``.
    """

    def __init__(self, segmentor: dict, slack: Sequence[float], gate: str = 'image') -> None:
        super().__init__([_build_heads(copy.deepcopy(segmentor['decode_head'])) for _ in slack])
        self.slack, self.gate = tuple(not_negative(slack=one) for one in slack), one_of(GATES, gate=gate)
        self.test_cfg = segmentor.get('test_cfg')

    def forward(self, feats: Any, size: torch.Size) -> List[Tensor]:
        """Predict with every decoder.

        Args:
            feats: Levels of the encoder; detached here.
            size: ``(H, W)`` of the images.

        Returns:
            Logits ``(B, C, H, W)`` per decoder.
        """
        return [self._decode(head, feats, size) for head in self]

    def losses(self, logits: Tensor, decoded: List[Tensor], label: Tensor) -> Dict[str, Tensor]:
        """Compute each decoder's loss, 0 unless it is much worse than the student's (eq. 3).

        Args:
            logits: The student's, ``(B, C, H, W)``.
            decoded: From :meth:`forward`.
            label: ``(B, H, W)`` int64, 255 ignored.

        Returns:
            ``decoder_<k>.loss_constrained``, and ``decoder_<k>.taught``, the share of images that teach it.
        """
        main, losses = self._cross_entropy(logits.detach(), label), {}
        for number, (slack, own) in enumerate(zip(self.slack, decoded)):
            gated = constrained_cross_entropy(self._cross_entropy(own, label), main, slack)
            losses[f'decoder_{number}.loss_constrained'] = gated.mean()
            losses[f'decoder_{number}.taught'] = (gated.detach() > 0).float().mean()
        return losses

    def _cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the mean over labeled pixels per image, (B,), or over the batch of all processes, a scalar."""
        valid = (label != IGNORE_INDEX).to(logits.dtype)
        loss = pixel_cross_entropy(logits, PixelTarget(label, valid))
        if self.gate == 'image':
            return loss.sum(dim=(1, 2)) / valid.sum(dim=(1, 2)).clamp(min=1)
        own = masked_mean(loss, over=valid)
        whole = own.detach().clone()
        all_reduce(whole, op='mean')
        return own + (whole - own.detach())  # the same gate on every process; the gradient is this process's

    def _decode(self, heads: nn.Module, feats: Any, size: torch.Size) -> Tensor:
        # detached: the encoder must not adapt to decoders that are meant to be worse
        logits = decode(heads, map_tensors(Tensor.detach, feats), size, self.test_cfg).logits.float()
        return resize(class_logits(logits), size=size, mode='bilinear', align_corners=heads_of(heads)[-1].align_corners)


def _build_heads(decode_head: Any) -> nn.Module:
    """Build a decode head, or those of a cascade."""
    if isinstance(decode_head, (list, tuple)):
        return ModuleList([MODELS.build(head) for head in decode_head])
    return MODELS.build(decode_head)
