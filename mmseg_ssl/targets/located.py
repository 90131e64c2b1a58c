"""Targets from a prediction and a judge of it (ELN, Kwon & Kwak, CVPR 2022, arXiv 2204.02078)."""

import torch
from torch import Tensor

from ..ops.probabilities import likeliest
from ..structures import PixelTarget
from ..utils.choices import probability


@torch.no_grad()
def located(probs: Tensor, correctness: Tensor, threshold: float = 0.5) -> PixelTarget:
    r"""Hard labels, kept where they are judged to be right (ELN, eq. 9).

    .. math:: \hat y_i = \arg\max_c p_{ic}, \qquad w_i = 1[b_i > \tau]

    At the paper's :math:`\tau = 0.5` the weight is :math:`\mathrm{round}(b_i)`, also at :math:`b_i = 0.5`, which torch
    rounds to 0.

    Args:
        probs: ``(B, C, H, W)``, summing to one over dim 1.
        correctness: ``(B, H, W)``, the probability that the argmax is right, in ``[0, 1]``.
        threshold: :math:`\tau` in ``[0, 1]``; a pixel must exceed it, so 1 keeps none.

    Returns:
        Label ``(B, H, W)`` int64 (the argmax everywhere) and weight ``(B, H, W)`` of 0 and 1.

    Raises:
        ValueError: If the threshold is not in ``[0, 1]`` or the maps do not cover the same pixels.

    Example:
        >>> target = located(teacher_probs, localizer.correctness(output), threshold=0.5)
    """
    probability(threshold=threshold)
    if correctness.shape != probs[:, 0].shape:
        raise ValueError(
            f'located needs a correctness (B, H, W) for every pixel of the probabilities {tuple(probs.shape)}, got '
            f'{tuple(correctness.shape)}. Resize it or squeeze its channel first.'
        )
    return PixelTarget(likeliest(probs)[1], (correctness > threshold).to(probs.dtype))
