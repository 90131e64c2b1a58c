"""Cross entropy of hard pixels alone (OHEM), as in the Cityscapes recipes of CPS, CPCL and DUEB."""

from typing import Any, Optional, Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops.probabilities import class_logits
from ...structures import IGNORE_INDEX


def hard_pixels(logits: Tensor, label: Tensor, threshold: float, min_kept: int, ignore_index: int) -> Tensor:
    """Choose the pixels whose true class is improbable.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64.
        threshold: A pixel is hard if its class has at most this probability.
        min_kept: Smallest number of pixels of the batch that are chosen, the least probable ones first, as far as there
            are valid ones.
        ignore_index: Label of pixels that are never chosen.

    Returns:
        ``(B, H, W)`` bool.
    """
    valid = label != ignore_index
    probs = logits.detach().softmax(dim=1).gather(1, label.where(valid, 0)[:, None])[:, 0]
    probs = probs.where(valid, 2.0)  # behind every probability; a selection would wait for the device
    # the min_kept-th smallest probability: the threshold rises to it where too few pixels are hard
    least = probs.flatten().kthvalue(min(min_kept, probs.numel())).values
    return valid & (probs <= least.clamp(min=threshold))


@MODELS.register_module()
class HardPixelCrossEntropy(nn.Module):
    r"""Class-weighted cross entropy, averaged over the hard pixels with their class weights.

    .. math:: L = \sum_{i \in H} w_{y_i} CE(z_i, y_i) \Big/ \sum_{i \in H} w_{y_i}

    A loss for any decode head. The host's own cannot be used there: its ``CrossEntropyLoss`` with ``class_weight``
    indexes out of range at ignored pixels, and its ``OhemCrossEntropy`` does not take what decode heads pass. A head
    with one channel for two classes has two weights, too. No valid pixel at all gives 0 with a zero gradient.

    Args:
        threshold: See :func:`hard_pixels`.
        min_kept: Smallest number of pixels per image of the batch that are kept.
        class_weight: One weight per class; all 1 by default.
        loss_weight: Factor of the loss.
    """

    loss_name = 'loss_ohem'
    """Its key in the host's losses."""

    def __init__(
        self,
        threshold: float = 0.7,
        min_kept: int = 50000,
        class_weight: Optional[Sequence[float]] = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.threshold, self.min_kept = threshold, min_kept
        self.class_weight, self.loss_weight = class_weight, loss_weight

    def forward(self, cls_score: Tensor, label: Tensor, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> Tensor:
        """Compute the loss of a batch.

        Args:
            cls_score: Logits ``(B, C, H, W)``, or ``(B, 1, H, W)`` of two classes.
            label: ``(B, H, W)`` int64.
            ignore_index: Label of pixels without one.
            **kwargs: Other arguments of decode heads (``weight`` of a sampler); not used.

        Returns:
            A scalar.
        """
        logits = class_logits(cls_score.float())
        hard = hard_pixels(logits, label, self.threshold, self.min_kept * len(label), ignore_index)
        weights = logits.new_tensor(self.class_weight or [1.0] * logits.shape[1])
        kept = label.where(hard, ignore_index)
        total = F.cross_entropy(logits, kept, weight=weights, ignore_index=ignore_index, reduction='sum')
        mass = (weights[label.where(hard, 0)] * hard).sum()
        return self.loss_weight * total / mass.clamp(min=torch.finfo(mass.dtype).tiny)
