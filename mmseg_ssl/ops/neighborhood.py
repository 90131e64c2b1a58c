"""Sums of a Potts relaxation over pairs of pixels at given offsets, those of a grid or random ones."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..utils.choices import one_of
from .affinity import Offsets, edge_ends, square_distances
from .potts import RELAXATIONS, potts_value
from .precision import at_least_fp32


class PairCost(NamedTuple):
    """Cost and number of the pairs of every image.

    Attributes:
        total: ``(B,)``, sum of affinity times relaxation.
        pairs: ``(B,)``, number of pairs that lie in the image and are valid.
    """

    total: Tensor
    pairs: Tensor


def random_offsets(count: int, radius: float) -> Offsets:
    """Draw offsets to far pixels, uniform over a disc, from torch's global generator on the CPU, without a sync.

    All pixels of a batch share the offsets: an offset is a shifted view, where a partner per pixel would be a gather of
    all classes. Over the iterations every pair within the radius comes up equally often.

    Args:
        count: Number of offsets.
        radius: Length of the longest in pixels, at least 1.

    Returns:
        ``(rows, columns)`` with ``rows >= 0``, never ``(0, 0)``: each pair is seen from one end.
    """
    distance, angle = torch.rand(2, count, dtype=torch.float64)
    # the root makes the density uniform over the area, half a turn sees each pair once
    distance, angle = radius * distance.sqrt(), math.pi * angle
    rows, columns = (distance * angle.sin()).round().int(), (distance * angle.cos()).round().int()
    return tuple((row, column) if row or column else (0, 1) for row, column in zip(rows.tolist(), columns.tolist()))


def offset_affinity(images: Tensor, offsets: Offsets, bandwidth: float, valid: Tensor) -> Tensor:
    r"""Affinities :math:`\exp(-\|I_i - I_j\|^2 / (2 \beta^2))` of pairs at given steps, whatever their distance.

    Args:
        images: ``(B, 3, H, W)`` RGB in 0..255.
        offsets: ``E`` steps ``(rows, columns)`` with ``rows >= 0``.
        bandwidth: :math:`\beta` in gray levels.
        valid: ``(B, H, W)`` bool.

    Returns:
        ``(B, E, H, W)`` in the layout of :func:`~mmseg_ssl.ops.grid_affinity`.
    """
    distance, inside = square_distances(images, offsets, valid)
    return distance.div_(-2 * bandwidth**2).exp_().mul_(inside)


def offset_potts(probs: Tensor, affinity: Tensor, offsets: Offsets, valid: Tensor, relaxation: str) -> PairCost:
    r"""Potts cost :math:`\sum_{ij} w_{ij} P(p_i, p_j)` of pairs at given steps.

    Args:
        probs: ``(B, C, H, W)``, distributions on dim 1.
        affinity: ``(B, E, H, W)``, of :func:`~mmseg_ssl.ops.grid_affinity` or :func:`offset_affinity`.
        offsets: The ``E`` steps.
        valid: ``(B, H, W)`` bool; only counts pairs, as the affinity is 0 elsewhere.
        relaxation: :math:`P`, see :func:`~mmseg_ssl.ops.potts`.

    Returns:
        Cost and number of pairs of every image.
    """
    one_of(RELAXATIONS, relaxation=relaxation)
    probs = at_least_fp32(probs)
    squares = probs.square().sum(dim=1)
    total, pairs = probs.new_zeros(len(probs)), probs.new_zeros(len(probs))
    for edge, offset in enumerate(offsets):
        # views, not copies: an offset is a shift of the whole map
        (near, far), (square_near, square_far) = edge_ends(probs, offset), edge_ends(squares, offset)
        cost = potts_value((near * far).sum(dim=1), square_near, square_far, relaxation)
        weight = edge_ends(affinity[:, edge], offset)[0]
        total = total + (cost * weight).sum(dim=(1, 2))
        pairs = pairs + torch.logical_and(*edge_ends(valid, offset)).sum(dim=(1, 2))
    return PairCost(total, pairs)
