"""Problem of soft self-labeling (Zhang & Boykov, CVPR 2025) in the form that solvers take."""

from typing import Optional, Tuple, TypedDict

import torch
from torch import Tensor

from ..ops.affinity import GRID_OFFSETS, Bandwidth, grid_affinity, grid_degree
from ..ops.potts import RELAXATIONS
from ..ops.potts_energy import PottsEnergy
from ..ops.precision import at_least_fp32
from ..ops.unary import UNARIES
from ..structures import IGNORE_INDEX
from ..utils.choices import one_of

RULED_OUT = -1e4
"""Logit of a class that is not allowed: its probability is 0, but the logarithm is finite."""


class LabelingOptions(TypedDict):
    """Options of :func:`labeling_problem` that pixels and cells share."""

    eta: float
    bandwidth: Bandwidth
    connectivity: int
    relaxation: str
    cross_entropy: str
    allowed: Optional[Tensor]


@torch.no_grad()
def labeling_problem(
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
    valid: Optional[Tensor] = None,
    allowed: Optional[Tensor] = None,
    smoothing: float = 0.0,
) -> Tuple[PottsEnergy, Tensor]:
    """Build the problem that :func:`~mmseg_ssl.targets.self_label` solves, e.g. to compare the energies of labels.

    Args:
        logits: As for :func:`~mmseg_ssl.targets.self_label`, like all others.
        images: RGB.
        seeds: Scribbles.
        eta: Weight of the unary.
        potts_weight: Weight of the pairs.
        bandwidth: Of colors.
        connectivity: Of the grid.
        relaxation: Cost of a pair.
        cross_entropy: Cost of a label given the prediction.
        valid: What is not padding.
        allowed: ``(B, C)`` bool, the classes that labels may be of, from :func:`classes_of_images`; all if not given.
        smoothing: Share of the uniform distribution in the prediction, see :func:`smoothed`.

    Returns:
        The energy of labels ``(B, C, H W)``, and those that solvers start from: one-hot on the seeds, uniform where not
        valid, else the prediction.

    Raises:
        ValueError: As for :func:`~mmseg_ssl.targets.self_label`.
    """
    _refuse_impossible(cross_entropy, relaxation, eta, potts_weight)
    check_shapes(logits, images, seeds, valid)
    valid = torch.ones_like(seeds, dtype=torch.bool) if valid is None else valid
    affinity = grid_affinity(images, bandwidth, connectivity, valid)  # first: it needs temporaries
    # a seed in the padding is none
    seeded = (seeds != IGNORE_INDEX) & valid
    index = seeds.where(seeded, 0).unsqueeze(1)
    logits = smoothed(logits, allowed, smoothing)
    logits = logits.where(valid.unsqueeze(1), 0).flatten(2).contiguous()  # NaN in the padding stays there
    labels = logits.softmax(dim=1)
    standard = cross_entropy == 'standard'
    energy = PottsEnergy(
        prediction=logits.log_softmax(dim=1).clamp_(min=RULED_OUT) if standard else labels.clone(),
        free=(valid & ~seeded).flatten(1),
        affinity=affinity.to(labels.dtype).mul_(potts_weight).flatten(2),
        degree=potts_weight * grid_degree(connectivity),
        shifts=tuple(rows * seeds.shape[2] + columns for rows, columns in GRID_OFFSETS[connectivity]),
        relaxation=relaxation,
        unary=cross_entropy,
        eta=eta,
    )
    del logits
    seeded = seeded.flatten(1).unsqueeze(1)
    labels.mul_(~seeded).scatter_add_(1, index.flatten(2), seeded.to(labels.dtype))
    return energy, labels


def classes_of_images(
    seeds: Tensor, num_classes: int, valid: Optional[Tensor] = None, known: Optional[Tensor] = None
) -> Tensor:
    """Tell which classes an image can have, if every class in it is scribbled somewhere.

    Args:
        seeds: ``(B, H, W)`` int64, 255 where there is no scribble.
        num_classes: ``C``.
        valid: ``(B, H, W)`` bool: seeds elsewhere do not count.
        known: ``(B, K)`` bool, classes by index that are scribbled outside of a crop, too; ``K`` at least ``C``.

    Returns:
        ``(B, C)`` bool: the classes of the seeds and the known ones; all of them for an image without either.
    """
    seeded = seeds != IGNORE_INDEX if valid is None else (seeds != IGNORE_INDEX) & valid
    counts = torch.zeros(len(seeds), num_classes, device=seeds.device)
    counts.scatter_add_(1, seeds.where(seeded, 0).flatten(1), seeded.flatten(1).to(counts.dtype))
    drawn = counts > 0 if known is None else (counts > 0) | known[:, :num_classes]
    return drawn | ~drawn.any(dim=1, keepdim=True)


def smoothed(logits: Tensor, allowed: Optional[Tensor], share: float) -> Tensor:
    r"""Take classes out of a prediction, and mix it with the uniform one: :math:`\sigma' = (1 - s) \sigma + s u`.

    However sure a network is, a label that contradicts it then costs at most :math:`-\ln(s / C)`, which neighbors can
    outweigh.

    Args:
        logits: ``(B, C, H, W)``.
        allowed: ``(B, C)`` bool, the classes that stay, over which :math:`u` is uniform; all if not given.
        share: :math:`0 \le s < 1`.

    Returns:
        :math:`\ln \sigma'` up to a constant, :data:`RULED_OUT` for classes that are not allowed; fp32 or wider.

    Raises:
        ValueError: If the share is not possible.
    """
    if not 0 <= share < 1:
        raise ValueError(f'smoothing is the share of the uniform distribution, from 0 to below 1, got {share}.')
    logits = at_least_fp32(logits)
    if allowed is not None:
        logits = logits.where(allowed[:, :, None, None], RULED_OUT)
    if share == 0:
        return logits
    uniform = logits.new_ones(logits.shape[:2]) if allowed is None else allowed.to(logits.dtype)
    uniform = share * uniform / uniform.sum(dim=1, keepdim=True)
    return logits.softmax(dim=1).mul_(1 - share).add_(uniform[:, :, None, None]).log_().clamp_(min=RULED_OUT)


def _refuse_impossible(cross_entropy: str, relaxation: str, eta: float, potts_weight: float) -> None:
    """Refuse options without a meaning."""
    one_of(RELAXATIONS, relaxation=relaxation)
    one_of(UNARIES, cross_entropy=cross_entropy)
    if eta < 0 or potts_weight < 0:
        raise ValueError(f'eta and potts_weight must be at least 0, got {eta} and {potts_weight}.')


def check_shapes(logits: Tensor, images: Tensor, seeds: Tensor, valid: Optional[Tensor]) -> None:
    """Refuse maps of several sizes.

    Args:
        logits: ``(B, C, H, W)``.
        images: ``(B, 3, H, W)``.
        seeds: ``(B, H, W)``.
        valid: ``(B, H, W)``, or None.

    Raises:
        ValueError: Lists what does not fit.
    """
    pixels = logits[:, 0].shape
    shapes = {'images': images[:, 0].shape, 'seeds': seeds.shape}
    shapes.update({} if valid is None else {'valid': valid.shape})
    wrong = {name: tuple(shape) for name, shape in shapes.items() if shape != pixels}
    if wrong:
        raise ValueError(
            f'self-labeling needs one pixel of everything for each of the logits {tuple(logits.shape)}, got {wrong}. '
            'Resize the logits to the images.'
        )
