"""Six relaxations of the Potts model to soft labels (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, tables 1 and 2)."""

from typing import NamedTuple, Tuple

import torch
from torch import Tensor

from ..utils.choices import one_of
from .precision import at_least_fp32

RELAXATIONS = (
    'bilinear',
    'quadratic',
    'normalized_quadratic',
    'collision_cross_entropy',
    'log_quadratic',
    'collision_divergence',
)

WITH_CONSTANT_SLOPES = ('bilinear', 'quadratic')
"""Relaxations whose slopes are the same for all labels."""

WITHOUT_OWN_SLOPE = ('bilinear', 'collision_cross_entropy')
"""Relaxations that do not depend on the norm of a label, which then does not repel itself."""

EPS = 1e-6
"""Inside every logarithm and under every fraction: two different one-hot labels cost ``ln(1 / EPS)``, not infinity."""


def potts(p: Tensor, q: Tensor, relaxation: str) -> Tensor:
    r"""Difference of two soft labels; on one-hot labels all six are 0 or their largest value.

    ============================ =============================================== ======================
    ``bilinear``                 :math:`1 - p^T q`                               table 1, "graph cut"
    ``quadratic``                :math:`\frac12 \|p - q\|^2`                     table 1, "random walker"
    ``normalized_quadratic``     :math:`1 - p^T q / (\|p\| \|q\|)`               table 1
    ``collision_cross_entropy``  :math:`-\ln p^T q`                              table 2, of ``bilinear``
    ``log_quadratic``            :math:`-\ln (1 - \frac12 \|p - q\|^2)`          table 2, of ``quadratic``
    ``collision_divergence``     :math:`-\ln [p^T q / (\|p\| \|q\|)]`            table 2, of ``normalized_quadratic``
    ============================ =============================================== ======================

    Those of table 2 are :math:`-\ln(1 - P)` of those of table 1. :data:`EPS` is added to products and squared norms
    under a logarithm, which for ``collision_divergence`` is the same as one more class of probability
    :math:`\sqrt{EPS}` in both labels: it stays at least 0, and exactly 0 for equal labels.

    Args:
        p: ``(B, C, ...)``, distributions on dim 1.
        q: Of the same shape.
        relaxation: One of :data:`RELAXATIONS`.

    Returns:
        ``(B, ...)``, at least 0 up to rounding, symmetric in ``p`` and ``q``, fp32 or wider; at most 1 for table 1, at
        most ``ln(1 + 1 / EPS)`` for table 2.

    Raises:
        ValueError: If the relaxation is unknown or the shapes differ.

    Example:
        >>> potts(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]), 'quadratic')
        tensor([0.2500])
    """
    one_of(RELAXATIONS, relaxation=relaxation)
    p, q = _same_shape(p, q)
    return potts_value((p * q).sum(dim=1), p.square().sum(dim=1), q.square().sum(dim=1), relaxation)


class PottsSlopes(NamedTuple):
    """Two numbers per pair: the gradient of its cost with respect to ``p`` is ``other * q + own * p``.

    Attributes:
        other: At most 0: labels attract each other.
        own: At least 0.
    """

    other: Tensor
    own: Tensor


def potts_value(dot: Tensor, square_p: Tensor, square_q: Tensor, relaxation: str) -> Tensor:
    r"""Compute :func:`potts` from the three numbers that it depends on.

    Args:
        dot: :math:`p^T q`, any shape.
        square_p: :math:`\|p\|^2`.
        square_q: :math:`\|q\|^2`.
        relaxation: One of :data:`RELAXATIONS`.

    Returns:
        Of the shape of ``dot``.
    """
    if relaxation == 'bilinear':
        return 1 - dot
    if relaxation == 'quadratic':
        return (square_p + square_q) / 2 - dot
    if relaxation == 'normalized_quadratic':
        return 1 - dot * (square_p * square_q).rsqrt()
    if relaxation == 'collision_cross_entropy':
        return -((dot + EPS) / (1 + EPS)).log()
    if relaxation == 'log_quadratic':
        return -((1 - (square_p + square_q) / 2 + dot + EPS) / (1 + EPS)).log()
    # three logarithms, not one of the quotient: they cancel exactly where the labels are equal
    return ((square_p + EPS).log() + (square_q + EPS).log()) / 2 - (dot + EPS).log()


def potts_slopes(dot: Tensor, square_p: Tensor, square_q: Tensor, relaxation: str) -> PottsSlopes:
    r"""Derivatives :math:`\partial P / \partial s` and :math:`2\, \partial P / \partial a` of :func:`potts_value`.

    Args:
        dot: :math:`s = p^T q`, any shape.
        square_p: :math:`a = \|p\|^2`.
        square_q: :math:`\|q\|^2`.
        relaxation: One of :data:`RELAXATIONS`.

    Returns:
        Both of the shape of ``dot``.
    """
    if relaxation == 'bilinear':
        return PottsSlopes(torch.full_like(dot, -1), torch.zeros_like(dot))
    if relaxation == 'quadratic':
        return PottsSlopes(torch.full_like(dot, -1), torch.ones_like(dot))
    if relaxation == 'normalized_quadratic':
        inverse = (square_p * square_q).rsqrt()
        return PottsSlopes(-inverse, dot * inverse / square_p)
    if relaxation == 'collision_cross_entropy':
        return PottsSlopes(-(dot + EPS).reciprocal(), torch.zeros_like(dot))
    if relaxation == 'log_quadratic':
        inverse = (1 - (square_p + square_q) / 2 + dot + EPS).reciprocal()
        return PottsSlopes(-inverse, inverse)
    return PottsSlopes(-(dot + EPS).reciprocal(), (square_p + EPS).reciprocal())


def _same_shape(p: Tensor, q: Tensor) -> Tuple[Tensor, Tensor]:
    """Check the shapes and return both labels in full precision."""
    if p.shape != q.shape or p.dim() < 2:
        raise ValueError(
            f'potts needs two (B, C, ...) labels of one shape, got {tuple(p.shape)} and {tuple(q.shape)}. Expand them.'
        )
    return at_least_fp32(p), at_least_fp32(q)
