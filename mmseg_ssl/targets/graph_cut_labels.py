"""Hard labels that seeds, predictions and colors agree on, by graph cut (Marin & Boykov, ICCV 2021)."""

from typing import Optional

import numpy as np
import torch
from torch import Tensor

from ..ops.affinity import GRID_OFFSETS, Bandwidth, grid_affinity
from ..ops.alpha_expansion import alpha_expansion, grid_edges
from ..ops.precision import at_least_fp32
from ..structures import IGNORE_INDEX, PixelTarget
from .labeling_problem import check_shapes, classes_of_images


@torch.no_grad()
def hard_self_label(
    logits: Tensor,
    images: Tensor,
    seeds: Tensor,
    *,
    unary_weight: float = 0.05,
    potts_weight: float = 100.0,
    bandwidth: Bandwidth = 'adaptive',
    connectivity: int = 8,
    max_iterations: int = 5,
    valid: Optional[Tensor] = None,
    image_classes: Optional[Tensor] = None,
) -> PixelTarget:
    r"""Hard pseudo-labels of "Robust Trust Region" (arXiv 2104.01948): a Potts model solved by alpha-expansion.

    .. math:: \min_l\ -\alpha \sum_i \ln \sigma_{i l_i} + \lambda \sum_{ij \in N} w_{ij} [l_i \ne l_j], \qquad
              l_i = \bar y_i \text{ on the seeds}

    Pixels take only classes that are scribbled in their image, or all where nothing is. The default numbers are those
    of the public code for whole scribbles. The cuts run on the CPU, image by image, which
    waits for the device.

    Args:
        logits: ``(B, C, H, W)``; no gradient is taken.
        images: ``(B, 3, H, W)`` RGB in 0..255, before normalization.
        seeds: ``(B, H, W)`` int64, 255 where there is no scribble.
        unary_weight: :math:`\alpha \ge 0`.
        potts_weight: :math:`\lambda \ge 0`.
        bandwidth: Color bandwidth, see :func:`~mmseg_ssl.ops.grid_affinity`.
        connectivity: 4 or 8 neighbors.
        max_iterations: Rounds of expansions over all classes.
        valid: ``(B, H, W)`` bool, false on padding; all true if not given.
        image_classes: ``(B, K)`` bool by class index: what is scribbled in the image that a crop was taken from, and
            not only in the crop.

    Returns:
        Label ``(B, H, W)`` int64, 255 where not valid, and weight: 1 where valid, else 0.

    Raises:
        ValueError: If a number is out of range, or shapes do not fit.
        ModuleNotFoundError: If PyMaxflow is not installed; names the extra.
    """
    if unary_weight < 0 or potts_weight < 0 or max_iterations < 1:
        raise ValueError(
            'unary_weight and potts_weight must be at least 0 and max_iterations at least 1, got '
            f'{unary_weight}, {potts_weight} and {max_iterations}.'
        )
    check_shapes(logits, images, seeds, valid)
    valid = torch.ones_like(seeds, dtype=torch.bool) if valid is None else valid
    affinity = potts_weight * grid_affinity(images, bandwidth, connectivity, valid)
    seeds = seeds.where(valid, IGNORE_INDEX)
    unary = -unary_weight * at_least_fp32(logits).log_softmax(dim=1)
    unary = unary.where(valid.unsqueeze(1), 0)  # NaN in the padding stays there
    ends = grid_edges((seeds.shape[1], seeds.shape[2]), GRID_OFFSETS[connectivity])
    labels = []
    allowed = classes_of_images(seeds, logits.shape[1], known=image_classes).cpu().numpy()
    maps = (values.flatten(-2).cpu().numpy() for values in (unary, affinity, seeds))
    for present, costs, weights, drawn in zip(allowed, *maps):
        costs = _with_seeds(costs.astype(np.float64), drawn, present)
        weights = [direction[near] for direction, (near, _) in zip(weights, ends)]
        labels.append(torch.from_numpy(alpha_expansion(costs, weights, ends, max_iterations)))
    label = torch.stack(labels).to(seeds.device).view_as(seeds).where(valid, IGNORE_INDEX)
    return PixelTarget(label, valid.to(affinity.dtype))


def _with_seeds(costs: np.ndarray, seeds: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Set costs (C, N) to infinity where a class is not allowed: other classes than the ``present`` (C,), and seeds."""
    drawn = np.flatnonzero(seeds != IGNORE_INDEX)
    costs[~present] = np.inf
    costs[:, drawn] = np.inf
    costs[seeds[drawn], drawn] = 0
    return costs
