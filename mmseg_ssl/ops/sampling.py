"""Which pixels stand for all."""

from typing import Tuple

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
    pixels, drawn = _draw_per_class(labels, per_class)
    return pixels[drawn]


def chosen_per_class(labels: Tensor, per_class: int) -> Tensor:
    """Mark up to so many pixels of every class: :func:`sample_per_class` as a mask.

    Where a loss is cheap for all pixels, a mask spares the wait for the device to count the indices.

    Args:
        labels: ``(N,)`` int64; 255 is never marked.
        per_class: Largest number of pixels of a class; a class with fewer gives all it has.

    Returns:
        ``(N,)`` bool.

    Raises:
        ValueError: If ``per_class`` is below 1 or the labels are not flat.
    """
    pixels, drawn = _draw_per_class(labels, per_class)
    return torch.zeros_like(drawn).scatter_(0, pixels, drawn)


def _draw_per_class(labels: Tensor, per_class: int) -> Tuple[Tensor, Tensor]:
    """Pixels in random order, class by class, and which of them are drawn."""
    if labels.dim() != 1 or per_class < 1:
        raise ValueError(
            f'A draw per class needs flat labels and per_class >= 1, got shape {tuple(labels.shape)} and {per_class}.'
        )
    order = torch.randperm(len(labels), device=labels.device)
    by_class, index = labels[order].sort(stable=True)
    rank = torch.arange(len(labels), device=labels.device) - torch.searchsorted(by_class, by_class)
    return order[index], (rank < per_class) & (by_class != IGNORE_INDEX)
