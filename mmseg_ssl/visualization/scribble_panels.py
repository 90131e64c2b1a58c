"""Panels of one scribbled image: scribbles, affinity, prediction and label side by side."""

from typing import List, Sequence

import numpy as np
import torch
from torch import Tensor

from ..ops import grid_affinity, normalized_entropy
from ..structures import IGNORE_INDEX, Scribbles

GAP = 4  # white columns between panels


def scribble_panels(
    scribbles: Scribbles, probs: Tensor, label: Tensor, palette: Sequence[Sequence[int]], bandwidth: float = 9.0
) -> np.ndarray:
    """Draw six panels of the first image of a batch.

    From left to right: the image; its seeds, void black; the mean affinity to the pixels right and below, dark where
    they differ; the predicted class; the class of the label, dark where the label is uncertain; the entropy of the
    label, white at its maximum.

    Args:
        scribbles: The batch.
        probs: Prediction, ``(B, C, H, W)``, distributions on dim 1.
        label: Label that the method trains on, ``(B, C, H, W)``, distributions on dim 1.
        palette: RGB color of each class.
        bandwidth: Color bandwidth of the affinity.

    Returns:
        ``(H, 6 W + 20, 3)`` uint8, RGB.
    """
    image, seeds, valid = (values[:1].cpu() for values in scribbles)
    probs, label = probs[:1].float().cpu(), label[:1].float().cpu()
    colors = torch.tensor(list(palette), dtype=torch.float32)
    confidence, named = label.max(dim=1)
    right, below = grid_affinity(image, bandwidth, valid=valid).unbind(dim=1)
    right[..., -1], below[:, -1] = 1.0, 1.0  # the last column and row have no edge: shown as no difference
    gray = (image / 4 + 128) * valid.unsqueeze(1)
    drawn = (seeds != IGNORE_INDEX).unsqueeze(1)
    panels = [
        image,
        _paint(seeds.where(drawn[:, 0], 0), colors).where(drawn, gray),
        _gray((right + below) / 2),
        _paint(probs.argmax(dim=1), colors),
        _paint(named, colors) * confidence.unsqueeze(1),
        _gray(normalized_entropy(label)),
    ]
    return _beside(panels)


def _paint(classes: Tensor, colors: Tensor) -> Tensor:
    """Turn (1, H, W) classes into (1, 3, H, W) colors."""
    return colors[classes].movedim(-1, 1)


def _gray(values: Tensor) -> Tensor:
    """Turn (1, H, W) in [0, 1] into (1, 3, H, W) in 0..255."""
    return 255 * values.unsqueeze(1).expand(-1, 3, -1, -1)


def _beside(panels: List[Tensor]) -> np.ndarray:
    """Put panels (1, 3, H, W) side by side, with white between them."""
    gap = torch.full((1, 3, panels[0].shape[2], GAP), 255.0)
    row = [part for panel in panels for part in (gap, panel)][1:]
    return torch.cat(row, dim=3)[0].round().clamp(0, 255).byte().movedim(0, -1).numpy()
