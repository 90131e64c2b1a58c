"""Which pixels stand for all."""

import torch
from torch import Tensor

from ..structures import IGNORE_INDEX


def sample_per_class(labels: Tensor, per_class: int) -> Tensor:
    """Draw up to so many pixels of every class, without replacement.

    Uses torch's global generator.

    Args:
        labels: ``(N,)`` int64; 255 is never drawn.
        per_class: Largest number of pixels of a class; a class with fewer gives all it has.

    Returns:
        Indices ``(n,)`` int64 into the labels, class by class.

    Raises:
        ValueError: If ``per_class`` is below 1 or the labels are not flat.
    """
    if labels.dim() != 1 or per_class < 1:
        raise ValueError(
            f'sample_per_class needs flat labels and per_class >= 1, got shape {tuple(labels.shape)} and {per_class}.'
        )
    order = torch.randperm(len(labels), device=labels.device)
    by_class, index = labels[order].sort(stable=True)
    rank = torch.arange(len(labels), device=labels.device) - torch.searchsorted(by_class, by_class)
    return order[index[(rank < per_class) & (by_class != IGNORE_INDEX)]]
