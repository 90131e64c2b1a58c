"""Soft labels in accord with a batch's scribbles, predictions and colors (Zhang & Boykov, CVPR 2025)."""

from typing import Optional

import torch
from torch import Tensor

from ..ops.affinity import Bandwidth
from ..ops.fused_updates import fused_updates
from ..ops.potts_solvers import gradient_descent, multiplicative_updates
from ..utils.choices import one_of
from .coarse_labels import SIDE, coarse_start
from .labeling_problem import LabelingOptions, labeling_problem

SOLVERS = ('multiplicative', 'fused', 'gd')


@torch.no_grad()
def self_label(
    logits: Tensor,
    images: Tensor,
    seeds: Tensor,
    *,
    eta: float = 0.3,
    potts_weight: float = 6.0,
    bandwidth: Bandwidth = 9.0,
    connectivity: int = 4,
    relaxation: str = 'collision_divergence',
    cross_entropy: str = 'collision',
    solver: str = 'multiplicative',
    steps: Optional[int] = None,
    tolerance: float = 0.0,
    coarse_to_fine: bool = True,
    valid: Optional[Tensor] = None,
    only_seeded_classes: bool = False,
) -> Tensor:
    r"""Soft pseudo-labels: the y-step of soft self-labeling (arXiv 2507.01721, eq. 8).

    .. math:: \min_y\ \eta \sum_{i \notin S} H(y_i, \sigma_i) + \lambda \sum_{ij \in N} w_{ij} P(y_i, y_j), \qquad
              y_i = \bar y_i \text{ on the seeds } S

    with :math:`\sigma = \mathrm{softmax}(z)`. Without seeds the prediction is smoothed. Descent starts from
    :math:`\sigma`. The multiplicative solver first labels cells of 4 x 4 pixels and starts an image from these labels
    if their energy is lower: a few steps carry a seed only a few pixels far and would not fill its region where the
    prediction says little. The energy never rises over its steps, nor above that of :math:`\sigma`. Where the
    prediction says nothing at all, the ``'quadratic'`` unary may end up to 1 % above the 200 steps of descent; peak
    memory is at most 4 tensors of the size of the logits from about 20 classes on, with fewer the maps count more.

    Args:
        logits: :math:`z`, ``(B, C, H, W)``; no gradient is taken.
        images: ``(B, 3, H, W)`` RGB in 0..255, before normalization.
        seeds: ``(B, H, W)`` int64, 255 where there is no scribble.
        eta: :math:`\eta \ge 0`.
        potts_weight: :math:`\lambda \ge 0`.
        bandwidth: Color bandwidth, see :func:`~mmseg_ssl.ops.grid_affinity`: 9 for VOC, 3 for Cityscapes and ADE20K.
        connectivity: 4 or 8 neighbors.
        relaxation: :math:`P`, see :func:`~mmseg_ssl.ops.potts`.
        cross_entropy: :math:`H`: ``'collision'``, ``'standard'`` or ``'reverse'``; ``'quadratic'`` is
            :math:`\frac12 \|y_i - \sigma_i\|^2`.
        solver: ``'multiplicative'``, see :func:`~mmseg_ssl.ops.potts_solvers.multiplicative_updates`, or ``'gd'``, the
            paper's gradient descent, the slow reference; ``'fused'``, the multiplicative one in Triton kernels, for a
            GPU (checked in Triton's interpreter; speed not measured).
        steps: Number of the solver's steps; its own default if not given: 11 (32 with the unaries ``'reverse'`` and
            ``'quadratic'``), or the paper's 200.
        tolerance: Early stop by energy: an image stops when a step lowers its energy by less than this share; 0:
            never. Not for ``'gd'``; on a GPU every step of ``'multiplicative'`` then waits for the device.
        coarse_to_fine: Let the multiplicative solver label cells first.
        valid: ``(B, H, W)`` bool, false on padding: such pixels have no label, also if a seed lies there, and no
            influence. All true if not given.
        only_seeded_classes: Allow only classes that are scribbled in the image, as in Marin & Boykov, ICCV 2021; images
            without seeds keep all.

    Returns:
        ``(B, C, H, W)``, distributions on dim 1, fp32 or wider: one-hot on the seeds, uniform where not valid.

    Raises:
        ValueError: If an option is unknown, a weight negative, or the shapes do not fit; with ``'fused'`` also if the
            logits are not on a GPU.
        ModuleNotFoundError: With ``'fused'``, if Triton is not installed.
    """
    options = LabelingOptions(
        eta=eta,
        bandwidth=bandwidth,
        connectivity=connectivity,
        relaxation=relaxation,
        cross_entropy=cross_entropy,
        only_seeded_classes=only_seeded_classes,
    )
    _check_solver(solver, steps, tolerance)
    energy, labels = labeling_problem(logits, images, seeds, potts_weight=potts_weight, valid=valid, **options)
    if solver == 'gd':
        return gradient_descent(energy, labels, steps).view(logits.shape)
    solve = fused_updates if solver == 'fused' else multiplicative_updates
    # in a smaller image the cells would be the image
    if coarse_to_fine and min(seeds.shape[1:]) > SIDE:
        labels = coarse_start(energy, labels, images, seeds, valid, solve, potts_weight, options)
    return solve(energy, labels, steps, tolerance).view(logits.shape)


def _check_solver(solver: str, steps: Optional[int], tolerance: float) -> None:
    """Refuse options that no solver has."""
    one_of(SOLVERS, solver=solver)
    if steps is not None and steps < 0:
        raise ValueError(f'steps must be at least 0, got {steps}.')
    if not 0 <= tolerance < 1 or (tolerance and solver == 'gd'):
        raise ValueError(
            f"tolerance must be in [0, 1), and 0 with solver='gd', which takes all its steps; got {tolerance}."
        )
