"""Random samples of pixels."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from ..structures import IGNORE_INDEX


def sample_per_class(labels: Tensor, per_class: int, num_classes: Optional[int] = None) -> Tensor:
    """Draw up to ``per_class`` pixels of every class, without replacement.

    Uses torch's global generator.

    Args:
        labels: ``(N,)`` int64; 255 is never drawn.
        per_class: Largest number of pixels per class; a class with fewer gives all it has.
        num_classes: If given, every class has ``per_class`` places, filled or not. The number of indices is then known
            without a sync, and is the same on every process.

    Returns:
        Indices ``(n,)`` int64 into the labels, class by class; with ``num_classes`` always
        ``n = num_classes * per_class``, and -1 in a place that is empty.

    Raises:
        ValueError: If ``per_class`` is below 1 or the labels are not flat.

    Example:
        >>> sample_per_class(torch.tensor([2, 255, 0, 2]), per_class=2, num_classes=3).ge(0).tolist()
        [True, False, False, False, True, True]
    """
    pixels, by_class = _shuffled_by_class(labels, per_class)
    if num_classes is None:
        return pixels[_drawn(by_class, per_class)]
    starts = torch.searchsorted(by_class, torch.arange(num_classes + 1, device=labels.device))
    places = starts[:-1, None] + torch.arange(per_class, device=labels.device)
    pixels = torch.cat([pixels, pixels.new_full((1,), -1)])  # one behind the last, for empty places
    return pixels[places.where(places < starts[1:, None], len(labels))].flatten()


def chosen_per_class(labels: Tensor, per_class: int) -> Tensor:
    """Mark up to ``per_class`` pixels of every class: :func:`sample_per_class` as a mask.

    Where a loss is cheap for all pixels, a mask spares the sync that counting the indices would take.

    Args:
        labels: ``(N,)`` int64; 255 is never marked.
        per_class: Largest number of pixels per class; a class with fewer gives all it has.

    Returns:
        ``(N,)`` bool.

    Raises:
        ValueError: If ``per_class`` is below 1 or the labels are not flat.
    """
    pixels, by_class = _shuffled_by_class(labels, per_class)
    drawn = _drawn(by_class, per_class)
    return torch.zeros_like(drawn).scatter_(0, pixels, drawn)


def _shuffled_by_class(labels: Tensor, per_class: int) -> Tuple[Tensor, Tensor]:
    """Sort pixels by class, in random order within each; returns them and their classes."""
    if labels.dim() != 1 or per_class < 1:
        raise ValueError(
            f'A draw per class needs flat labels and per_class >= 1, got shape {tuple(labels.shape)} and {per_class}.'
        )
    order = torch.randperm(len(labels), device=labels.device)
    by_class, index = labels[order].sort(stable=True)  # stable: keeps the random order within a class
    return order[index], by_class


def _drawn(by_class: Tensor, per_class: int) -> Tensor:
    """Mark the first ``per_class`` pixels of each class in that order."""
    rank = torch.arange(len(by_class), device=by_class.device) - torch.searchsorted(by_class, by_class)
    return (rank < per_class) & (by_class != IGNORE_INDEX)


def sample_windows(height: int, width: int, size: int, number: int, device: torch.device) -> Tensor:
    """Draw random square windows of a map.

    Uses torch's global generator.

    Args:
        height: Height of the map.
        width: Width of the map.
        size: Side of a window; a smaller map is taken whole along that side.
        number: Number of windows.
        device: Device of the indices.

    Returns:
        Indices ``(number, pixels of a window)`` int64 into the flattened map.

    Raises:
        ValueError: If ``size`` or ``number`` is below 1.
    """
    if size < 1 or number < 1:
        raise ValueError(f'sample_windows needs a size and a number of at least 1, got {size} and {number}.')
    rows, cols = min(size, height), min(size, width)
    top = torch.randint(height - rows + 1, (number, 1, 1), device=device) + torch.arange(rows, device=device)[:, None]
    left = torch.randint(width - cols + 1, (number, 1, 1), device=device) + torch.arange(cols, device=device)
    return (top * width + left).flatten(1)
