"""Affinities of neighboring pixels by color: weights of the edges of the pixel grid."""

import math
from typing import Dict, Optional, Tuple, Union

import torch
from torch import Tensor

from ..utils.choices import one_of
from .precision import at_least_fp32

Offsets = Tuple[Tuple[int, int], ...]
Bandwidth = Union[float, str, None]
"""Color bandwidth in gray levels; ``'adaptive'`` or None to take it from each image."""

GRID_OFFSETS: Dict[int, Offsets] = {
    4: ((0, 1), (1, 0)),
    8: ((0, 1), (1, 0), (1, 1), (1, -1)),
}
"""Steps ``(rows, columns)`` from a pixel to the other end of its edges, by connectivity; each edge is listed once."""


def grid_affinity(
    images: Tensor, bandwidth: Bandwidth = 9.0, connectivity: int = 4, valid: Optional[Tensor] = None
) -> Tensor:
    r"""Compute affinities of the edges of the pixel grid.

    .. math:: w_{ij} = \frac{1}{|x_i - x_j|} \exp\left(- \frac{\|I_i - I_j\|^2}{2 \beta^2}\right)

    :math:`\beta` is the "color bandwidth" of Zhang & Boykov, CVPR 2025: 9 on VOC, 3 on Cityscapes and ADE20K. The
    distance is 1 or, on diagonals, :math:`\sqrt 2`, and with ``bandwidth='adaptive'`` :math:`\beta^2` is the mean of
    :math:`\|I_i - I_j\|^2` over the edges of the image; both as in Marin & Boykov, "Robust Trust Region", ICCV 2021.

    Args:
        images: ``(B, 3, H, W)`` RGB in 0..255, before normalization, of any dtype.
        bandwidth: :math:`\beta > 0` in gray levels; ``'adaptive'`` or None to take it from each image.
        connectivity: 4, or 8 with the diagonals.
        valid: ``(B, H, W)`` bool, false on padding; all true if not given.

    Returns:
        ``(B, E, H, W)`` in ``[0, 1]``, fp32 or wider, ``E = connectivity / 2``: entry ``[b, e, r, c]`` belongs to the
        edge from pixel ``(r, c)`` to ``(r, c) + GRID_OFFSETS[connectivity][e]``. It is 0 where the edge leaves the
        image or touches a pixel that is not valid.

    Raises:
        ValueError: If connectivity, bandwidth or the shapes are not possible.

    Example:
        >>> grid_affinity(torch.tensor([0.0, 9.0]).expand(1, 3, 1, 2), bandwidth=9)[0, 0]  # exp(-3 / 2) to the right
        tensor([[0.2231, 0.0000]])
    """
    _refuse_impossible(images, bandwidth, connectivity, valid)
    distance, inside = square_distances(images, GRID_OFFSETS[connectivity], valid)
    if bandwidth is None or isinstance(bandwidth, str):
        distance /= -2 * _adaptive_variance(distance, inside)
    else:
        distance /= -2 * float(bandwidth) ** 2
    affinity = distance.exp_()
    for edge, (rows, columns) in enumerate(GRID_OFFSETS[connectivity]):
        affinity[:, edge] /= (rows**2 + columns**2) ** 0.5
    return affinity.mul_(inside)


def grid_degree(connectivity: int) -> float:
    """Return the sum of a pixel's affinities in an image of one color: 4, or with diagonals 4 + 4 / sqrt(2)."""
    return float(sum(2 / math.hypot(*offset) for offset in GRID_OFFSETS[connectivity]))


def squared_bandwidth(
    images: Tensor, bandwidth: Bandwidth, connectivity: int, valid: Optional[Tensor]
) -> Union[float, Tensor]:
    r"""Return the :math:`\beta^2` of :func:`grid_affinity`, to compare other colors by.

    Args:
        images: As for :func:`grid_affinity`, like all others.
        bandwidth: Of colors.
        connectivity: Of the grid.
        valid: What is not padding.

    Returns:
        A number, or with ``bandwidth='adaptive'`` that of each image, ``(B, 1, 1)``.
    """
    if bandwidth is None or isinstance(bandwidth, str):
        return _adaptive_variance(*square_distances(images, GRID_OFFSETS[connectivity], valid)).squeeze(3)
    return float(bandwidth) ** 2


def square_distances(images: Tensor, offsets: Offsets, valid: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    """Compute squared distances of the colors at the two ends of edges.

    Args:
        images: ``(B, 3, H, W)``.
        offsets: ``E`` steps ``(rows, columns)`` with ``rows >= 0``.
        valid: ``(B, H, W)`` bool; all true if not given.

    Returns:
        ``(B, E, H, W)``, 0 where an edge does not lie in the image; and bool of that shape, where it does.
    """
    images = at_least_fp32(images)
    valid = torch.ones_like(images[:, 0], dtype=torch.bool) if valid is None else valid
    distance = images.new_zeros(len(images), len(offsets), *images.shape[2:])
    inside = torch.zeros_like(distance, dtype=torch.bool)
    for edge, offset in enumerate(offsets):
        for edges, maps, combine in ((distance, images, _square_distance), (inside, valid, torch.logical_and)):
            edge_ends(edges[:, edge], offset)[0].copy_(combine(*edge_ends(maps, offset)))
    return distance.where(inside, 0), inside  # also 0 what is NaN in the padding


def _adaptive_variance(distance: Tensor, inside: Tensor) -> Tensor:
    """Mean of the squared distances over the edges of each image, (B, 1, 1, 1)."""
    variance = distance.sum(dim=(1, 2, 3), keepdim=True) / inside.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    # the smallest number, not 0: in an image of one color all affinities are 1, not NaN
    return variance.clamp(min=torch.finfo(distance.dtype).tiny)


def _square_distance(near: Tensor, far: Tensor) -> Tensor:
    """Squared distance of colors."""
    return (near - far).square_().sum(dim=1)


def edge_ends(values: Tensor, offset: Tuple[int, int]) -> Tuple[Tensor, Tensor]:
    """Return the two ends of every edge of one direction that lies within the map.

    Args:
        values: ``(..., H, W)``.
        offset: ``(rows, columns)`` with ``rows >= 0``.

    Returns:
        Two views of one shape: the values at ``(r, c)`` and those at ``(r, c) + offset``.

    Example:
        >>> edge_ends(torch.arange(3)[None], (0, 1))
        (tensor([[0, 1]]), tensor([[1, 2]]))
    """
    rows, columns = offset
    height, width = values.shape[-2:]
    near = values[..., : max(height - rows, 0), max(-columns, 0) : max(width - max(columns, 0), 0)]
    far = values[..., rows:, max(columns, 0) : max(width + min(columns, 0), 0)]
    return near, far


def _refuse_impossible(images: Tensor, bandwidth: Bandwidth, connectivity: int, valid: Optional[Tensor]) -> None:
    """Refuse options and shapes without a meaning."""
    one_of(tuple(GRID_OFFSETS), connectivity=connectivity)
    if bandwidth not in (None, 'adaptive') and (isinstance(bandwidth, str) or not bandwidth > 0):
        raise ValueError(f"bandwidth must be above 0 (in gray levels), None or 'adaptive', got {bandwidth!r}.")
    if images.dim() != 4:
        raise ValueError(f'grid_affinity needs images (B, 3, H, W) in 0..255, got {tuple(images.shape)}.')
    if valid is not None and valid.shape != images[:, 0].shape:
        raise ValueError(f'Expected valid {tuple(images[:, 0].shape)} for these images, got {tuple(valid.shape)}.')
