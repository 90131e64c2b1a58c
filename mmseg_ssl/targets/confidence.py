"""Targets from the confidence of one prediction."""

from typing import Union

import torch
from torch import Tensor

from ..ops.probabilities import likeliest
from ..structures import PixelTarget
from ..utils.choices import probability


@torch.no_grad()
def confident(probs: Tensor, threshold: Union[float, Tensor]) -> PixelTarget:
    r"""Hard labels, kept where the confidence reaches a threshold (FixMatch, Sohn et al. 2020, eq. 4).

    .. math:: \hat y_i = \arg\max_c p_{ic}, \qquad w_i = 1[\max_c p_{ic} \ge \tau]

    Args:
        probs: ``(B, C, H, W)``, summing to one over dim 1.
        threshold: :math:`\tau` in ``[0, 1]``; 0 keeps every pixel. A tensor (a threshold that learns) is not
            checked, because that would wait for the device.

    Returns:
        Label ``(B, H, W)`` int64 (the argmax everywhere) and weight ``(B, H, W)`` of 0 and 1.

    Raises:
        ValueError: If the threshold is not in ``[0, 1]``.
    """
    # a tensor is not checked: comparing it here would wait for the device
    if not isinstance(threshold, Tensor):
        probability(threshold=threshold)
    confidence, label = likeliest(probs)
    return PixelTarget(label, (confidence >= threshold).to(probs.dtype))


@torch.no_grad()
def argmax_target(logits: Tensor) -> PixelTarget:
    """Label every pixel with its likeliest class, with weight 1 (CPS, Chen et al. 2021).

    Args:
        logits: ``(B, C, H, W)``, or probabilities.

    Returns:
        Label ``(B, H, W)`` int64 and weight ``(B, H, W)``.
    """
    label = likeliest(logits)[1]
    return PixelTarget(label, torch.ones_like(label, dtype=logits.dtype))
