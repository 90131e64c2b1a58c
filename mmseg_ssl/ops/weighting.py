"""Weights of pixels from the uncertainty of a prediction, and of classes from how often they are taught."""

import math

import torch
from torch import Tensor

from ..utils.choices import one_of
from .precision import at_least_fp32

RELIABILITIES = ('linear', 'exponential', 'none')


def normalized_entropy(probs: Tensor) -> Tensor:
    r"""Shannon entropy as a share of its maximum: :math:`-\sum_c p_c \ln p_c / \ln C`.

    0 for a one-hot pixel, 1 for a uniform one.

    Args:
        probs: ``(B, C, ...)``, at least 0, summing to one over dim 1.

    Returns:
        ``(B, ...)`` in ``[0, 1]``, fp32 or wider.

    Raises:
        ValueError: If there are fewer than two classes.

    Example:
        >>> normalized_entropy(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
        tensor([1., 0.])
    """
    num_classes = probs.shape[1]
    if num_classes < 2:
        raise ValueError(
            f'normalized_entropy needs probabilities of at least 2 classes on dim 1, got shape {tuple(probs.shape)}.'
        )
    probs = at_least_fp32(probs)
    entropy: Tensor = torch.special.entr(probs).sum(dim=1)  # entr(0) is 0, where p ln p would be NaN
    return entropy.div(math.log(num_classes)).clamp(0, 1)


@torch.no_grad()
def entropy_reliability(probs: Tensor, form: str = 'linear', exponent: float = 1.0) -> Tensor:
    r"""Weight of pixels by the entropy of their label, without a threshold (FARCLUSS).

    With the entropy :math:`H_i` of the whole distribution and its share :math:`\bar H_i = H_i / \ln C` of the maximum,

    - ``linear``: :math:`r_i = (1 - \bar H_i)^a`; 1 for a one-hot pixel, 0 for a uniform one.
    - ``exponential``: :math:`r_i = e^{-a H_i}`; 1 for a one-hot pixel, :math:`C^{-a}` for a uniform one.
    - ``none``: 1.

    Args:
        probs: ``(B, C, H, W)``, summing to one over dim 1.
        form: One of ``linear``, ``exponential``, ``none``.
        exponent: :math:`a \ge 0`: above 1 hesitant pixels count less, 0 all count alike.

    Returns:
        ``(B, H, W)`` in ``[0, 1]``, fp32 or wider, without a gradient.

    Raises:
        ValueError: If the form is unknown or the exponent negative.

    Example:
        >>> entropy_reliability(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
        tensor([0., 1.])
    """
    one_of(RELIABILITIES, form=form)
    if exponent < 0:
        raise ValueError(f'entropy_reliability needs exponent >= 0, got {exponent}.')
    if form == 'none':
        return torch.ones_like(at_least_fp32(probs[:, 0]))
    share = normalized_entropy(probs)
    if form == 'linear':
        return (1 - share) ** exponent
    return torch.exp(-exponent * math.log(probs.shape[1]) * share)


@torch.no_grad()
def class_rarity(
    frequency: Tensor, exponent: float = 0.5, low: float = 0.5, high: float = 5.0, floor: float = 1e-4
) -> Tensor:
    r"""Weights of classes by their rarity in the labels, 1 on average (FARCLUSS).

    .. math:: \omega_c = \mathrm{clip}\Big(\Big(\frac{1 / C}{\max(f_c, \epsilon)}\Big)^{g}, l, h\Big), \qquad
              \omega \leftarrow \omega \,/\, \mathrm{mean}_{c:\, f_c > 0}\, \omega_c

    Balanced frequencies give 1, and so does ``exponent=0``. The bounds hold before the division by the mean. The
    weights of CW-BASS-v2, :math:`\propto 1 / f_c`, are ``exponent=1, low=0, high=inf``.

    Args:
        frequency: ``(C,)``, shares of the classes in the labels, at least 0.
        exponent: :math:`g \ge 0`; 0 switches the weights off, 1 gives every class the same total weight.
        low: :math:`l`, lower bound.
        high: :math:`h`, upper bound.
        floor: :math:`\epsilon > 0`, smallest frequency; rarer classes are weighted as if they had it.

    Returns:
        ``(C,)``, fp32 or wider. An absent class (frequency 0) has the weight of the floor, but no part in the mean.

    Raises:
        ValueError: If the frequencies are not a vector, or a number is out of its range.

    Example:
        >>> class_rarity(torch.tensor([0.8, 0.2]), exponent=0.5)  # sqrt(5 / 8), sqrt(5 / 2): 1 to 2, mean 1
        tensor([0.6667, 1.3333])
    """
    if frequency.dim() != 1 or exponent < 0 or not 0 <= low <= high or floor <= 0:
        raise ValueError(
            'class_rarity needs frequencies (C,), exponent >= 0, 0 <= low <= high and floor > 0, got shape '
            f'{tuple(frequency.shape)}, {exponent}, {low}, {high} and {floor}.'
        )
    frequency = at_least_fp32(frequency)
    rarity = (1 / (len(frequency) * frequency.clamp(min=floor))) ** exponent
    rarity = rarity.clamp(low, high)
    present = frequency > 0
    # absent classes weigh nothing in the mean, or a long list of classes would inflate the others
    mean = (rarity * present).sum() / present.sum().clamp(min=1)
    return rarity / mean.where(mean > 0, mean.new_ones(()))
