"""Weights of pixels from the uncertainty of a prediction."""

import math

import torch
from torch import Tensor

from .precision import at_least_fp32


def normalized_entropy(probs: Tensor) -> Tensor:
    r"""Shannon entropy as a share of its maximum: :math:`-\sum_c p_c \ln p_c / \ln C`.

    0 for a one-hot pixel, 1 for a uniform one.

    Args:
        probs: ``(B, C, ...)``, at least 0, summing to one over dim 1.

    Returns:
        ``(B, ...)`` in ``[0, 1]``, fp32 or wider.

    Raises:
        ValueError: If there are fewer than two classes.

    Example:
        >>> normalized_entropy(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
        tensor([1., 0.])
    """
    num_classes = probs.shape[1]
    if num_classes < 2:
        raise ValueError(
            f'normalized_entropy needs probabilities of at least 2 classes on dim 1, got shape {tuple(probs.shape)}.'
        )
    probs = at_least_fp32(probs)
    return torch.special.entr(probs).sum(dim=1).div(math.log(num_classes)).clamp(0, 1)
