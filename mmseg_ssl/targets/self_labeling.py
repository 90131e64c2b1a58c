"""Soft labels in accord with a batch's scribbles, predictions and colors (Zhang & Boykov, CVPR 2025)."""

from typing import Optional

import torch
from torch import Tensor

from ..ops.affinity import Bandwidth
from ..ops.fused_updates import fused_updates
from ..ops.label_descent import STEP_SIZE, STEPS, chebyshev_descent, gradient_descent
from ..ops.potts_solvers import multiplicative_updates
from ..ops.precision import without_autocast
from ..utils.choices import one_of
from .coarse_labels import SIDE, coarse_start
from .labeling_problem import LabelingOptions, classes_of_images, labeling_problem

DESCENTS = {'chebyshev': chebyshev_descent, 'gd': gradient_descent}
MINIMIZERS = {'multiplicative': multiplicative_updates, 'fused': fused_updates}
SOLVERS = (*DESCENTS, *MINIMIZERS)


@without_autocast
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
    solver: str = 'chebyshev',
    steps: Optional[int] = None,
    step_size: float = STEP_SIZE,
    tolerance: float = 0.0,
    coarse_to_fine: bool = True,
    valid: Optional[Tensor] = None,
    only_seeded_classes: bool = False,
    image_classes: Optional[Tensor] = None,
    smoothing: float = 0.0,
) -> Tensor:
    r"""Soft pseudo-labels: the y-step of soft self-labeling (arXiv 2507.01721, eq. 8).

    .. math:: \min_y\ \eta \sum_{i \notin S} H(y_i, \sigma_i) + \lambda \sum_{ij \in N} w_{ij} P(y_i, y_j), \qquad
              y_i = \bar y_i \text{ on the seeds } S

    with :math:`\sigma = \mathrm{softmax}(z)`. Without seeds the prediction is smoothed. The labels of the paper are
    those after 200 steps of gradient descent from :math:`\sigma`, far from the minimum: they are soft. ``'chebyshev'``
    reaches the same labels sooner. Who wants the minimum takes ``'multiplicative'``, whose labels are nearly one-hot.
    It first labels cells of 4 x 4 pixels, because a few steps carry a seed only a few pixels far, and starts an image
    from these labels if their energy is lower. Its energy never rises, nor above that of :math:`\sigma`; peak memory is
    at most 4 tensors of the size of the logits from about 20 classes on, with fewer the maps count more.

    Deviations from the paper:
        1. ``'chebyshev'`` follows the path of the 200 steps with 50 to 70 gradients: on crops of CamVid the soft
           Jaccard index of its labels with theirs is above 0.99, and the entropies differ by less than 1.5 %.
           ``'gd'`` takes the steps, and ``'multiplicative'`` is another solver with other labels.
        2. Formula and range of colors of the affinity are not given: see :func:`~mmseg_ssl.ops.grid_affinity`.
        3. 1e-6 is added under logarithms, see :func:`~mmseg_ssl.ops.potts`.
        4. Only the values of the best row are known, :math:`\eta` = 0.3 and :math:`\lambda` = 6. The paper tunes both
           for each relaxation and cross entropy, without saying to what: all have these.
        5. ``smoothing`` is not of the paper.

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
        solver: ``'chebyshev'``, see :func:`~mmseg_ssl.ops.label_descent.chebyshev_descent`; ``'gd'``, the paper's
            gradient descent; ``'multiplicative'``, for the minimum, see
            :func:`~mmseg_ssl.ops.potts_solvers.multiplicative_updates`; ``'fused'``, the same in Triton kernels, for a
            GPU (checked in Triton's interpreter; speed not measured).
        steps: Steps of gradient descent, 200 if not given, taken by ``'gd'`` and followed by ``'chebyshev'``; or of the
            multiplicative solver, 11 if not given (32 with the unaries ``'reverse'`` and ``'quadratic'``).
        step_size: Of gradient descent. :math:`\eta` and :math:`\lambda` times k with 1 / k of the step are the same.
            With a much larger :math:`\lambda` alone the steps are too long, and ``'gd'`` refuses them.
        tolerance: Early stop by energy, for ``'multiplicative'`` and ``'fused'``: an image stops when a step lowers its
            energy by less than this share; 0: never. On a GPU every step of ``'multiplicative'`` then waits for it.
        coarse_to_fine: Let the multiplicative solver label cells first.
        valid: ``(B, H, W)`` bool, false on padding: such pixels have no label, also if a seed lies there, and no
            influence. All true if not given.
        only_seeded_classes: Allow only classes that are scribbled in the image, as in Marin & Boykov, ICCV 2021; images
            without seeds keep all. Right where every class of an image has a scribble.
        image_classes: ``(B, K)`` bool by class index, for ``only_seeded_classes``: what is scribbled in the image that
            a crop was taken from. Without it the seeds of the crop say, and what they miss is labeled wrongly.
        smoothing: :math:`s`, from 0 to below 1: :math:`(1 - s) \sigma + s u`, with the uniform distribution :math:`u`,
            takes the place of :math:`\sigma`. A network is sure of its errors, and solvers that start from it stay near
            them.

    Returns:
        ``(B, C, H, W)``, distributions on dim 1, fp32 or wider: one-hot on the seeds, uniform where not valid.

    Raises:
        ValueError: If an option is unknown, a weight negative, or the shapes do not fit; with ``'gd'`` also if its
            steps would diverge, with ``'fused'`` if the logits are not on a GPU.
        ModuleNotFoundError: With ``'fused'``, if Triton is not installed.
    """
    options = LabelingOptions(
        eta=eta,
        bandwidth=bandwidth,
        connectivity=connectivity,
        relaxation=relaxation,
        cross_entropy=cross_entropy,
        allowed=classes_of_images(seeds, logits.shape[1], valid, image_classes) if only_seeded_classes else None,
    )
    _check_solver(solver, steps, step_size, tolerance)
    energy, labels = labeling_problem(
        logits, images, seeds, potts_weight=potts_weight, valid=valid, smoothing=smoothing, **options
    )
    if solver in DESCENTS:
        return DESCENTS[solver](energy, labels, STEPS if steps is None else steps, step_size).view(logits.shape)
    solve = MINIMIZERS[solver]
    # in a smaller image the cells would be the image
    if coarse_to_fine and min(seeds.shape[1:]) > SIDE:
        labels = coarse_start(energy, labels, images, seeds, valid, solve, potts_weight, options)
    return solve(energy, labels, steps, tolerance).view(logits.shape)


def _check_solver(solver: str, steps: Optional[int], step_size: float, tolerance: float) -> None:
    """Refuse options that no solver has."""
    one_of(SOLVERS, solver=solver)
    if (steps is not None and steps < 0) or not step_size > 0:
        raise ValueError(f'steps must be at least 0 and step_size above 0, got {steps} and {step_size}.')
    if step_size != STEP_SIZE and solver not in DESCENTS:
        raise ValueError(f'step_size is of gradient descent, which {solver!r} is not: leave it out, got {step_size}.')
    if not 0 <= tolerance < 1 or (tolerance and solver in DESCENTS):
        raise ValueError(
            f"tolerance must be in [0, 1), and 0 with solver='gd' or 'chebyshev', which take all their steps; got "
            f'{tolerance} with {solver!r}.'
        )
