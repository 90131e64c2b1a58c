"""Costs of soft labels given the prediction (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, eq. 9 to 11)."""

from typing import Tuple

import torch
from torch import Tensor

from .potts import EPS

UNARIES = ('standard', 'reverse', 'collision', 'quadratic')


def unary_value(labels: Tensor, prediction: Tensor, unary: str) -> Tensor:
    r"""Cost :math:`H(y_i, \sigma_i)` of every pixel.

    ``standard`` :math:`-\sum_c y_c \ln \sigma_c`, ``reverse`` :math:`-\sum_c \sigma_c \ln y_c`, ``collision``
    :math:`-\ln \sum_c \sigma_c y_c`, ``quadratic`` :math:`\frac12 \|y - \sigma\|^2`. 1e-6 is added under the logarithms
    of ``reverse`` and ``collision``.

    Args:
        labels: :math:`y`, ``(B, C, N)``.
        prediction: :math:`\sigma`, ``(B, C, N)``, but :math:`\ln \sigma` for ``standard``.
        unary: One of :data:`UNARIES`.

    Returns:
        ``(B, N)``.
    """
    if unary == 'standard':
        return -_dot(labels, prediction)
    if unary == 'reverse':
        return -_dot(prediction, (labels + EPS).log())
    if unary == 'collision':
        return -(_dot(labels, prediction) + EPS).log()
    return (labels - prediction).square().sum(dim=1) / 2


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Inner product over the classes, (B, N)."""
    product: Tensor = torch.linalg.vecdot(first, second, dim=1)
    return product


def unary_forces(labels: Tensor, prediction: Tensor, value: Tensor, unary: str, weight: float) -> Tuple[Tensor, Tensor]:
    """Compute the gradient of :func:`unary_value` in the labels as a difference of two parts, both at least 0.

    Args:
        labels: ``(B, C, N)``.
        prediction: As for :func:`unary_value`.
        value: ``(B, N)``, what that returned.
        unary: One of :data:`UNARIES`.
        weight: Factor of both.

    Returns:
        ``(B, C, N)``, a new tensor, and one that broadcasts with it; the gradient is the second minus the first.
    """
    nothing = labels.new_zeros(())
    if unary == 'standard':
        return torch.zeros_like(labels), prediction * -weight
    if unary == 'quadratic':
        return prediction * weight, labels * weight
    if unary == 'reverse':
        return (prediction / (labels + EPS)).mul_(weight), nothing
    return prediction * (weight * value.exp()).unsqueeze(1), nothing  # exp(value) = 1 / (sigma^T y + EPS)
