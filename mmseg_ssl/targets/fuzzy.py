"""Soft targets that keep what the teacher hesitates between (FARCLUSS, Tarubinga et al., arXiv 2506.11142)."""

import torch
from torch import Tensor

from ..ops.precision import at_least_fp32
from ..structures import PixelTarget


@torch.no_grad()
def fuzzy_topk(probs: Tensor, k: int) -> PixelTarget:
    r"""Soft label of the ``k`` likeliest classes of every pixel, in the proportions that the teacher gives them.

    With :math:`T_k(i)` the ``k`` largest entries of :math:`q_i`,

    .. math:: \tilde y_{ic} = \frac{q_{ic}\, 1[c \in T_k(i)]}{\sum_{j \in T_k(i)} q_{ij}}, \qquad w_i = 1

    A class that the teacher nearly chose is not taught to be wrong. ``k=1`` is the hard label, ``k >= C`` the
    teacher's whole distribution.

    Args:
        probs: ``(B, C, H, W)``, summing to one over dim 1.
        k: Number of classes that are kept, at least 1; all of them where there are fewer. Of equal ones, any.

    Returns:
        Label ``(B, C, H, W)``, summing to one over dim 1, fp32 or wider, and weight ``(B, H, W)`` of ones.

    Raises:
        ValueError: If ``k`` is below 1.

    Example:
        >>> probs = torch.tensor([0.5, 0.3, 0.2]).reshape(1, 3, 1, 1)
        >>> fuzzy_topk(probs, k=2).label.flatten()
        tensor([0.6250, 0.3750, 0.0000])
    """
    if k < 1:
        raise ValueError(f'fuzzy_topk keeps at least 1 class, got k={k}.')
    probs = at_least_fp32(probs)
    kept, classes = probs.topk(min(k, probs.shape[1]), dim=1, sorted=False)  # the order does not matter here
    label = torch.zeros_like(probs).scatter_(1, classes, kept / kept.sum(dim=1, keepdim=True))
    return PixelTarget(label, torch.ones_like(label[:, 0]))


@torch.no_grad()
def fuzzy_cumulative(probs: Tensor, mass: float) -> PixelTarget:
    r"""Soft label of the fewest classes that hold a share of the probability together.

    As :func:`fuzzy_topk`, with the smallest :math:`k` of each pixel for which :math:`\sum_{c \in T_k(i)} q_{ic} \ge m`:
    one class where the teacher is sure, many where it is not.

    Args:
        probs: ``(B, C, H, W)``, summing to one over dim 1.
        mass: :math:`m` in ``(0, 1]``; toward 0 the hard label, 1 every class with a probability.

    Returns:
        Label ``(B, C, H, W)``, summing to one over dim 1, fp32 or wider, and weight ``(B, H, W)`` of ones.

    Raises:
        ValueError: If the mass is not in ``(0, 1]``.

    Example:
        >>> probs = torch.tensor([0.5, 0.3, 0.2]).reshape(1, 3, 1, 1)
        >>> fuzzy_cumulative(probs, mass=0.75).label.flatten()
        tensor([0.6250, 0.3750, 0.0000])
    """
    if not 0 < mass <= 1:
        raise ValueError(f'fuzzy_cumulative keeps a share of the probability in (0, 1], got mass={mass}.')
    ordered, classes = at_least_fp32(probs).sort(dim=1, descending=True)
    before = ordered.cumsum(dim=1) - ordered  # the mass of the likelier classes
    # the class that crosses the mass is still kept
    kept = ordered * (before < mass)
    label = torch.zeros_like(ordered).scatter_(1, classes, kept / kept.sum(dim=1, keepdim=True))
    return PixelTarget(label, torch.ones_like(label[:, 0]))
