"""Soft self-labeling with all pairs of pixels as neighbors, for comparison with the grid (row DN of the paper)."""

from typing import Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..ops.dense_neighborhood import bilateral_affinity, cell_means, cell_size
from ..ops.label_descent import STABLE, STEP_SIZE, curvature, refuse_long_steps
from ..ops.precision import without_autocast
from ..ops.unary import UNARIES, unary_value
from ..structures import IGNORE_INDEX
from ..utils.choices import one_of
from .labeling_problem import check_shapes, classes_of_images, smoothed

DENSE_RELAXATIONS = ('quadratic', 'bilinear')
DEGREE = 4.0  # neighbors of a pixel on the grid


@without_autocast
@torch.no_grad()
def dense_self_label(
    logits: Tensor,
    images: Tensor,
    seeds: Tensor,
    *,
    valid: Tensor,
    eta: float = 0.3,
    potts_weight: float = 6.0,
    bandwidth: float = 15.0,
    spatial_bandwidth: float = 100.0,
    resolution: int = 64,
    relaxation: str = 'quadratic',
    cross_entropy: str = 'collision',
    steps: int = 200,
    only_seeded_classes: bool = False,
    image_classes: Optional[Tensor] = None,
    smoothing: float = 0.0,
) -> Tensor:
    r"""Soft pseudo-labels over all pairs of pixels: :func:`~mmseg_ssl.targets.self_label` by gradient descent on cells.

    .. math:: \min_y\ \eta \sum_{i \notin S} H(y_i, \sigma_i) + \tfrac\lambda2 \sum_{i, j} w_{ij} P(y_i, y_j)

    with the bilateral affinity of :func:`~mmseg_ssl.ops.dense_neighborhood.dense_potts`, scaled so that the affinities
    of a pixel add up to 4 on average, as those of the grid do in flat color: :math:`\lambda` then means the same for
    both neighborhoods. The image is reduced until its longer side is ``resolution``; labels are enlarged
    bilinearly, from cells with a valid pixel, and seeds are one-hot again. The affinities are kept: 64 MiB per image of
    64 x 64 cells.

    Args:
        logits: ``(B, C, H, W)``; no gradient is taken.
        images: ``(B, 3, H, W)`` RGB in 0..255.
        seeds: ``(B, H, W)`` int64, 255 where there is no scribble.
        valid: ``(B, H, W)`` bool, false on padding.
        eta: :math:`\eta \ge 0`.
        potts_weight: :math:`\lambda \ge 0`.
        bandwidth: Color bandwidth in gray levels.
        spatial_bandwidth: Spatial bandwidth in pixels; 100 in the paper.
        resolution: Longer side of the reduced map.
        relaxation: :math:`P`: ``'quadratic'`` or ``'bilinear'``, as in the paper.
        cross_entropy: :math:`H`, as for :func:`~mmseg_ssl.targets.self_label`.
        steps: Steps of gradient descent.
        only_seeded_classes: As for :func:`~mmseg_ssl.targets.self_label`.
        image_classes: The same.
        smoothing: The same.

    Returns:
        ``(B, C, H, W)``, distributions on dim 1, fp32 or wider: one-hot on the seeds, uniform where not valid.

    Raises:
        ValueError: If an option is not possible, the steps are too long for these weights, or shapes do not fit.
    """
    one_of(DENSE_RELAXATIONS, **{'With all pairs, relaxation': relaxation})
    one_of(UNARIES, cross_entropy=cross_entropy)
    check_shapes(logits, images, seeds, valid)
    _refuse_impossible(eta, potts_weight, bandwidth, spatial_bandwidth, resolution, steps)
    rate = curvature(relaxation, potts_weight * DEGREE, eta)
    refuse_long_steps(STEP_SIZE, rate, f'Divide both by {STEP_SIZE * rate / STABLE:.2g}, and take more steps.')
    allowed = classes_of_images(seeds, logits.shape[1], valid, image_classes) if only_seeded_classes else None
    probs = smoothed(logits, allowed, smoothing).softmax(dim=1)
    size = cell_size(probs.shape[2:], resolution)
    # uniform where nothing is valid, so that every cell is a distribution
    cells, share = cell_means(probs, valid, size, fill=1 / probs.shape[1])
    affinity = potts_weight * _affinity(images, valid, share, size, bandwidth, spatial_bandwidth)
    seeded = (seeds != IGNORE_INDEX) & valid
    fixed, drawn = _seed_cells(seeds, seeded, probs, size)
    # a cell with a seed is fixed to its seeds, one without a valid pixel to the start
    free = (drawn == 0) & (share > 0).unsqueeze(1)
    unary = cross_entropy, eta * share * free[:, 0]
    labels = _descend(cells, fixed.where(drawn > 0, cells), free, affinity, unary, relaxation, steps)
    labels = _enlarge(labels, share, size, probs.shape[2:])
    labels = labels.where(valid.unsqueeze(1), 1 / probs.shape[1])
    return _one_hot(seeds, seeded, probs).where(seeded.unsqueeze(1), labels)


def _refuse_impossible(
    eta: float, potts_weight: float, bandwidth: float, spatial_bandwidth: float, resolution: int, steps: int
) -> None:
    """Refuse options without a meaning."""
    if isinstance(bandwidth, str) or bandwidth is None:
        raise ValueError(f"neighborhood='dense' needs a bandwidth in gray levels, such as 15, got {bandwidth!r}.")
    if min(eta, potts_weight) < 0 or min(bandwidth, spatial_bandwidth, resolution, steps) <= 0:
        raise ValueError(
            'eta and potts_weight are at least 0, bandwidth, spatial_bandwidth, resolution and steps above 0, got '
            f'{eta}, {potts_weight}, {bandwidth}, {spatial_bandwidth}, {resolution} and {steps}.'
        )


def _descend(
    cells: Tensor,
    fixed: Tensor,
    free: Tensor,
    affinity: Tensor,
    unary: Tuple[str, Tensor],
    relaxation: str,
    steps: int,
) -> Tensor:
    """Descend from the prediction; returns labels (B, C, N)."""
    cross_entropy, weight = unary
    variables = cells.clamp(min=torch.finfo(cells.dtype).tiny).log()
    prediction = variables.clone() if cross_entropy == 'standard' else cells
    degree = affinity.sum(dim=2).unsqueeze(1) if relaxation == 'quadratic' else 0.0
    for _ in range(steps):
        with torch.enable_grad():
            variables.requires_grad_()
            labels = variables.softmax(dim=1).where(free, fixed)
            # of the gradient of the sum over pairs: sum_j w_ij (y_i - y_j), without y_i for the bilinear relaxation
            pairs = (labels * (degree * labels - labels @ affinity).detach()).sum()
            energy = (unary_value(labels, prediction, cross_entropy) * weight).sum() + pairs
            (grad,) = torch.autograd.grad(energy, variables)
        variables = variables.detach() - STEP_SIZE * grad
    return variables.softmax(dim=1).where(free, fixed)


def _enlarge(labels: Tensor, share: Tensor, size: Tuple[int, int], larger: Sequence[int]) -> Tensor:
    """Interpolate cells (B, C, N) bilinearly to pixels (B, C, H, W), among those that have a valid pixel."""
    # the others hold no label, and would blend in along padding and void
    inside = (share > 0).unsqueeze(1).to(labels.dtype)
    sums = F.interpolate(
        torch.cat([labels * inside, inside], dim=1).unflatten(2, size), size=list(larger), mode='bilinear'
    )
    weight = sums[:, -1:]  # at least 1/4 on a valid pixel: that of the cell around it
    return sums[:, :-1] / weight.where(weight > 0, 1)


def _affinity(
    images: Tensor, valid: Tensor, share: Tensor, size: Tuple[int, int], bandwidth: float, spatial_bandwidth: float
) -> Tensor:
    """Compute affinities of cells (B, N, N) whose rows add up to 4 on average over the image."""
    affinity = bilateral_affinity(images, valid, size, bandwidth, spatial_bandwidth)
    affinity = affinity * share.unsqueeze(1) * share.unsqueeze(2)
    total = affinity.sum(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)
    return affinity * (DEGREE * share.sum(dim=1).view_as(total) / total)


def _seed_cells(seeds: Tensor, seeded: Tensor, probs: Tensor, size: Tuple[int, int]) -> Tuple[Tensor, Tensor]:
    """Return the shares of the classes among the seeds of every cell (B, C, N), and the share of seeds (B, 1, N)."""
    counts = F.adaptive_avg_pool2d(_one_hot(seeds, seeded, probs), size).flatten(2)
    drawn = counts.sum(dim=1, keepdim=True)
    return counts / drawn.where(drawn > 0, 1), drawn


def _one_hot(seeds: Tensor, seeded: Tensor, like: Tensor) -> Tensor:
    """Return one-hot labels (B, C, H, W), 0 where there is no seed."""
    index = seeds.where(seeded, 0).unsqueeze(1)
    return torch.zeros_like(like).scatter_(1, index, seeded.unsqueeze(1).to(like.dtype))
