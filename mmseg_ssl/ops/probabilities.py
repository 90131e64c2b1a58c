"""Probabilities of the classes, from what the host calls logits."""

import torch
from torch import Tensor

from .precision import at_least_fp32


def class_probabilities(seg_logits: Tensor) -> Tensor:
    """Probabilities of ``seg_logits`` as a sample of the host has them.

    Several channels are logits. One channel is what the host made of a binary logit: the probability of class 1.

    Args:
        seg_logits: ``(C, H, W)``.

    Returns:
        ``(C, H, W)``, or ``(2, H, W)`` for one channel, summing to one over dim 0; fp32 or wider.
    """
    values = at_least_fp32(seg_logits)
    return values.softmax(dim=0) if len(values) > 1 else torch.cat([1 - values, values])
