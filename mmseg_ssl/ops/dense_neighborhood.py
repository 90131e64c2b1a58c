"""Sums of a Potts relaxation over all pairs of pixels, on a bounded number of cells."""

from typing import Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..utils.choices import one_of
from .neighborhood import PairCost
from .potts import RELAXATIONS, potts_value
from .precision import at_least_fp32, without_autocast


@without_autocast
def dense_potts(
    probs: Tensor,
    images: Tensor,
    valid: Tensor,
    relaxation: str,
    bandwidth: float = 15.0,
    spatial_bandwidth: float = 100.0,
    resolution: int = 64,
    chunk: int = 512,
) -> PairCost:
    r"""Potts cost over all pairs of pixels with the bilateral affinity of dense conditional random fields.

    .. math:: \tfrac12 \sum_{i, j} A_{ij} P(p_i, p_j), \qquad
              A_{ij} = \exp\left(-\frac{|x_i - x_j|^2}{2 s_{xy}^2} - \frac{\|I_i - I_j\|^2}{2 s_{rgb}^2}\right)

    With the bilinear relaxation, half the DenseCRF loss :math:`\sum_k S_k^T A (1 - S_k)` (Tang et al., ECCV 2018).
    It is exact pair by pair, so every relaxation works and nothing has to be compiled, but on means over cells: the map
    is reduced until its longer side is ``resolution``, and a pair of cells stands for the :math:`(HW / hw)^2` pairs of
    pixels in them. Rows of the affinity matrix are computed in chunks, and again for the gradient: memory is
    ``B * chunk * h * w``.

    Args:
        probs: ``(B, C, H, W)``, distributions on dim 1.
        images: ``(B, 3, H, W)`` RGB in 0..255.
        valid: ``(B, H, W)`` bool.
        relaxation: :math:`P`, see :func:`~mmseg_ssl.ops.potts`.
        bandwidth: :math:`s_{rgb}` in gray levels.
        spatial_bandwidth: :math:`s_{xy}` in pixels of the images, before they are reduced.
        resolution: Longer side of the reduced map; a map that is not longer stays as it is.
        chunk: Rows of the matrix at a time.

    Returns:
        Cost and number of pairs of every image, both in pairs of pixels of the given size.
    """
    one_of(RELAXATIONS, relaxation=relaxation)
    probs = at_least_fp32(probs)
    size = cell_size(probs.shape[2:], resolution)
    features = _features(images, valid, size, bandwidth, spatial_bandwidth)
    # not 0 where nothing is valid: the normalized relaxations have no value there
    cells, share = cell_means(probs, valid, size, fill=1 / probs.shape[1])
    mass = share * (probs[0, 0].numel() / (size[0] * size[1]))
    total = probs.new_zeros(len(probs))
    for start in range(0, mass.shape[1], chunk):
        rows = slice(start, start + chunk)
        # computed again for the gradient: the whole matrix would not fit
        total = total + checkpoint(_rows_cost, cells, features, mass, rows, relaxation, use_reentrant=False)
    return PairCost(total / 2, mass.sum(dim=1).square() / 2)


def bilateral_affinity(
    images: Tensor, valid: Tensor, size: Tuple[int, int], bandwidth: float, spatial_bandwidth: float
) -> Tensor:
    """Compute the affinity of :func:`dense_potts` between all cells as a matrix.

    Args:
        images: ``(B, 3, H, W)`` RGB in 0..255.
        valid: ``(B, H, W)`` bool.
        size: Rows and columns of cells.
        bandwidth: In gray levels.
        spatial_bandwidth: In pixels.

    Returns:
        ``(B, N, N)`` in ``[0, 1]``, of ``N`` cells, row by row.
    """
    features = _features(images, valid, size, bandwidth, spatial_bandwidth)
    return _gaussian(features, features)


def cell_size(size: Sequence[int], resolution: int) -> Tuple[int, int]:
    """Choose rows and columns of cells, at most ``resolution`` along the longer side, in the image's proportions.

    Args:
        size: ``(H, W)``.
        resolution: Cells along the longer side; a smaller image keeps its pixels.

    Returns:
        Both at least 1.
    """
    scale = min(1.0, resolution / max(size))
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def cell_means(values: Tensor, valid: Tensor, size: Tuple[int, int], fill: float) -> Tuple[Tensor, Tensor]:
    """Average over the valid pixels of every cell.

    Args:
        values: ``(B, D, H, W)``; what lies in the padding does not matter, not even if it is NaN.
        valid: ``(B, H, W)`` bool.
        size: Rows and columns of cells.
        fill: Mean of a cell without a valid pixel.

    Returns:
        ``(B, D, N)``, and the share of every cell that is valid, ``(B, N)``.
    """
    inside = valid.unsqueeze(1)
    share = F.adaptive_avg_pool2d(inside.to(values.dtype), size)
    means = F.adaptive_avg_pool2d(values.where(inside, 0), size) / share.where(share > 0, 1)
    return means.where(share > 0, fill).flatten(2), share.flatten(1)


def _features(
    images: Tensor, valid: Tensor, size: Tuple[int, int], bandwidth: float, spatial_bandwidth: float
) -> Tensor:
    """Return places and colors of cells, each in units of its bandwidth, (B, N, 5)."""
    colors = cell_means(at_least_fp32(images), valid, size, fill=0)[0].transpose(1, 2)
    axes = [
        (torch.arange(cells, device=images.device, dtype=colors.dtype) + 0.5) * (pixels / cells)
        for cells, pixels in zip(size, images.shape[2:])
    ]
    places = torch.stack(torch.meshgrid(*axes, indexing='ij'), dim=-1).flatten(0, 1).expand(len(images), -1, -1)
    return torch.cat([places / spatial_bandwidth, colors / bandwidth], dim=2)


def _gaussian(features: Tensor, others: Tensor) -> Tensor:
    """exp(-|a - b|^2 / 2) of all pairs, (B, N, M)."""
    # by differences: squared distances by products lose the small ones, which weigh most
    distance = torch.cdist(features, others, compute_mode='donot_use_mm_for_euclid_dist')
    return distance.square_().div_(-2).exp_()


def _rows_cost(cells: Tensor, features: Tensor, mass: Tensor, rows: slice, relaxation: str) -> Tensor:
    """Compute the cost of some cells with all cells, (B,)."""
    affinity = _gaussian(features[:, rows], features) * mass[:, rows, None] * mass[:, None]
    squares = cells.square().sum(dim=1)
    dot = cells[..., rows].transpose(1, 2) @ cells
    own, other = squares[:, rows, None].expand_as(dot), squares[:, None].expand_as(dot)
    return (potts_value(dot, own, other, relaxation) * affinity).sum(dim=(1, 2))
