"""Contrast between pixels and one prototype per class (FARCLUSS, Tarubinga et al., arXiv 2506.11142)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops import at_least_fp32, masked_mean
from ...ops.precision import without_autocast
from ...structures import IGNORE_INDEX


def prototype_contrast(
    embeddings: Tensor, labels: Tensor, prototypes: Tensor, known: Tensor, temperature: float
) -> Tensor:
    r"""Contrast that pulls every pixel toward the prototype of its class, away from the others; not reduced.

    .. math:: \ell_i = - \ln \frac{e^{\cos(e_i, \mu_{y_i}) / \tau}}
                                {\sum_{k\ \mathrm{known}} e^{\cos(e_i, \mu_k) / \tau}}

    The logarithm of the number of known prototypes where all are equally near.

    Args:
        embeddings: ``(N, D)``, of any length.
        labels: ``(N,)`` int64 in ``[0, C)``; 255, and a class whose prototype is not known, are ignored.
        prototypes: ``(C, D)``, of any length.
        known: ``(C,)`` bool, which prototypes exist.
        temperature: :math:`\tau > 0`.

    Returns:
        ``(N,)``, at least 0, fp32 or wider; 0 with a zero gradient where the label is ignored.

    Raises:
        ValueError: If the shapes do not fit or the temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f'prototype_contrast needs temperature > 0, got {temperature}.')
    if len(embeddings) != len(labels) or embeddings.shape[1:] != prototypes.shape[1:] or len(known) != len(prototypes):
        raise ValueError(
            'prototype_contrast needs (N, D) embeddings with (N,) labels and (C, D) prototypes with (C,) known, got '
            f'{tuple(embeddings.shape)}, {tuple(labels.shape)}, {tuple(prototypes.shape)} and {tuple(known.shape)}.'
        )
    similarity = _cosines(embeddings, prototypes) / temperature
    # the lowest number, not -inf: without any known prototype the gradient must be 0, not NaN
    similarity = similarity.masked_fill(~known, torch.finfo(similarity.dtype).min)
    # clamped for the index alone: ignored pixels are dropped by the first condition
    usable = (labels != IGNORE_INDEX) & known[labels.clamp(max=len(known) - 1)]
    labels = labels.where(usable, labels.new_full((), IGNORE_INDEX))
    return F.cross_entropy(similarity, labels, ignore_index=IGNORE_INDEX, reduction='none')


def prototype_repulsion(means: Tensor, present: Tensor, prototypes: Tensor, known: Tensor, margin: float) -> Tensor:
    r"""Cost of classes of a batch that are near the prototypes of other classes.

    .. math:: \mathrm{mean}_{c \ne k} \max(0, \cos(\bar e_c, \mu_k) - m)

    Args:
        means: ``(C, D)``, mean embedding of each class in the batch, with a gradient.
        present: ``(C,)`` bool, which classes the batch has.
        prototypes: ``(C, D)``.
        known: ``(C,)`` bool, which prototypes exist.
        margin: :math:`m`, a cosine that costs nothing.

    Returns:
        A scalar, the mean over pairs of a present and another known class; 0 with a zero gradient without a pair.
    """
    excess = (_cosines(means, prototypes) - margin).clamp(min=0)
    others = ~torch.eye(len(known), dtype=torch.bool, device=known.device)
    return masked_mean(excess, over=present[:, None] & known & others)


@without_autocast
def _cosines(one: Tensor, other: Tensor) -> Tensor:
    """(N, D) and (C, D) -> (N, C)."""
    return F.normalize(at_least_fp32(one), dim=1) @ F.normalize(at_least_fp32(other), dim=1).T
