"""Distance of a prediction from a teacher's."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...structures import PixelTarget
from .cross_entropy import pixel_cross_entropy

CONSISTENCY_LOSSES = ('mse', 'ce')


def consistency_distance(logits: Tensor, probs: Tensor, kind: str) -> Tensor:
    """Measure how far a prediction is from a teacher's, per pixel.

    Args:
        logits: Of the student, ``(B, C, H, W)``.
        probs: Of the teacher, ``(B, C, H, W)``.
        kind: ``'mse'``, the mean over classes of the squared difference of probabilities, or ``'ce'``, cross entropy.

    Returns:
        ``(B, H, W)``, at least 0.
    """
    if kind == 'ce':
        return pixel_cross_entropy(logits, PixelTarget(probs, torch.ones_like(probs[:, 0])))
    # the mean over classes, as the public code of CPS: its weight of 100 belongs to it
    return F.mse_loss(logits.softmax(dim=1), probs, reduction='none').mean(dim=1)
