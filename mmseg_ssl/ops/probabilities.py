"""Class probabilities from the host's logits, and the likeliest class."""

from typing import Tuple

import torch
from torch import Tensor

from .precision import at_least_fp32


def class_probabilities(seg_logits: Tensor) -> Tensor:
    """Compute class probabilities from ``seg_logits`` of a sample of the host.

    Several channels are logits. One channel is what the host made of a binary logit: the probability of class 1.

    Args:
        seg_logits: ``(C, H, W)``.

    Returns:
        ``(C, H, W)``, or ``(2, H, W)`` for one channel, summing to one over dim 0; fp32 or wider.
    """
    values = at_least_fp32(seg_logits)
    return values.softmax(dim=0) if len(values) > 1 else torch.cat([1 - values, values])


def class_logits(logits: Tensor) -> Tensor:
    r"""Return logits of every class, also for a head that has one channel for two classes.

    Such a head says :math:`\sigma(z)`, the probability of class 1. Its two logits are :math:`(-z/2, z/2)`:

    - their softmax is :math:`(1 - \sigma(z), \sigma(z))`, as of any pair whose difference is :math:`z`;
    - what does depend on the choice, free energy and sums of logits, treats both classes alike:
      :math:`E = -\ln(2 \cosh(z/2))` is low where the head is sure of *either* class. With :math:`(0, z)`
      a sure background would have the highest energy of all, 0, as if nothing like it had ever been seen;
    - of all such pairs it has the smallest norm, which is where weight decay takes a head with two channels;
    - halving and negating are exact, and so is the way back, :func:`log_odds`.

    Noise of a variance on both logits, or a temperature, acts as on a head with two channels.

    Args:
        logits: ``(B, C, ...)``, of a decode head.

    Returns:
        The same, or ``(B, 2, ...)`` for one channel.

    Example:
        >>> class_logits(torch.tensor([[2.0]])).tolist()
        [[-1.0, 1.0]]
    """
    if logits.shape[1] > 1:
        return logits
    half = logits / 2
    return torch.cat([-half, half], dim=1)


def log_odds(logits: Tensor) -> Tensor:
    """Return the single channel that :func:`class_logits` made two classes of, to the last bit.

    Args:
        logits: ``(B, 2, ...)``.

    Returns:
        ``(B, 1, ...)``: how much class 1 is above class 0.
    """
    return logits[:, 1:] - logits[:, :1]


@torch.no_grad()
def likeliest(values: Tensor) -> Tuple[Tensor, Tensor]:
    """Return the largest value of every pixel and its class: ``values.max(dim=1)``, faster on a CPU.

    On a CPU torch searches an index over channels pixel by pixel, while ``amax`` takes whole rows of a contiguous map
    at a time. So classes are numbered down from ``C``, and the largest number at the largest value is the first such
    class.

    Args:
        values: ``(B, C, ...)``, logits or probabilities.

    Returns:
        ``(B, ...)``, and ``(B, ...)`` int64, the first of equal ones; without a gradient.

    Example:
        >>> likeliest(torch.tensor([[0.2, 0.7, 0.1]]))
        (tensor([0.7000]), tensor([1]))
    """
    if values.is_cuda:
        largest, index = values.max(dim=1)
        return largest, index
    num_classes = values.shape[1]
    largest = values.amax(dim=1, keepdim=True)
    down = torch.arange(num_classes, 0, -1, dtype=torch.int16, device=values.device)
    down = down.view(-1, *(1,) * (values.dim() - 2))
    first = num_classes - ((values == largest) * down).amax(dim=1).long()
    return largest.squeeze(1), first.clamp(max=num_classes - 1)  # in a pixel of NaN none is the largest
