"""Cross entropies with soft labels that do not copy the label's doubt (Zhang & Boykov, CVPR 2025).

The standard one (eq. 9) is :func:`~mmseg_ssl.models.losses.pixel_cross_entropy` with a label of probabilities.
"""

from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops.potts import EPS
from ...ops.precision import at_least_fp32


def collision_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    r"""Collision cross entropy of every pixel (arXiv 2507.01721, eq. 11).

    .. math:: \ell_i = - \ln \sum_c \sigma_{ic} y_{ic}

    The probability that a class drawn from the prediction :math:`\sigma = \mathrm{softmax}(z)` and one drawn from the
    label are the same. A one-hot label gives the negative log-likelihood; a uniform one gives no gradient.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, C, H, W)``, at least 0, summing to one over dim 1.

    Returns:
        ``(B, H, W)``, at least 0 up to rounding, fp32 or wider.

    Raises:
        ValueError: If the shapes differ.
    """
    logits, label = _same_shape(logits, label)
    # ln 0 = -inf leaves the class out of the sum; its gradient is not taken, so it cannot become NaN
    return -(F.log_softmax(logits, dim=1) + label.log()).logsumexp(dim=1)


def reverse_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    r"""Reverse cross entropy of every pixel (arXiv 2507.01721, eq. 10).

    .. math:: \ell_i = -\sum_c \sigma_{ic} \ln y_{ic}

    The label copies the uncertainty of the prediction :math:`\sigma = \mathrm{softmax}(z)`, not the other way round.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, C, H, W)``, at least 0, summing to one over dim 1; 1e-6 is added under the logarithm.

    Returns:
        ``(B, H, W)``, at least 0 up to 1e-6, fp32 or wider.

    Raises:
        ValueError: If the shapes differ.
    """
    logits, label = _same_shape(logits, label)
    # EPS as in the solver, whose unary this is
    return -(logits.softmax(dim=1) * (label + EPS).log()).sum(dim=1)


def _same_shape(logits: Tensor, label: Tensor) -> Tuple[Tensor, Tensor]:
    """Check the shapes and return both in full precision."""
    if logits.shape != label.shape:
        raise ValueError(
            f'Expected a soft label of the shape of the logits {tuple(logits.shape)}, got {tuple(label.shape)}. '
            'Resize the logits, or turn class indices into one-hot labels.'
        )
    logits = at_least_fp32(logits)
    return logits, label.to(torch.promote_types(logits.dtype, torch.float32))
