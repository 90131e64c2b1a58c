"""Energy terms: a classifier's logits read as an energy-based model."""

from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops.precision import at_least_fp32
from ...ops.reduction import masked_mean
from ...structures import IGNORE_INDEX

Margin = Union[Tensor, float]
"""An energy, in the unit of the logits: a number or a 0-d tensor."""


def free_energy(logits: Tensor, temperature: float = 1.0) -> Tensor:
    r"""Free energy of every pixel (Liu et al., 2020): :math:`E(x_i) = - \tau \ln \sum_c e^{z_{ic} / \tau}`.

    Low where the pixel looks like the training data, high where it does not.

    Args:
        logits: ``(B, C, ...)``.
        temperature: :math:`\tau > 0`.

    Returns:
        ``(B, ...)``, in the unit of the logits, fp32 or wider.
    """
    logits = at_least_fp32(logits)
    return -temperature * torch.logsumexp(logits / temperature, dim=1)


def joint_energy_loss(logits: Tensor, label: Tensor, logit_weight: float = 0.1) -> Tensor:
    r"""Negative log-likelihood of a joint energy-based model (JEM), :math:`\ln p(x, y) = z_y - \ln Z`.

    .. math:: L = \mathrm{mean}_i (-z_{iy_i}) + \alpha\, \mathrm{mean}_i \sum_c z_{ic}^2

    The second part stands in for the intractable :math:`\ln Z`. Means run over the pixels with a label.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64, 255 ignored.
        logit_weight: :math:`\alpha`.

    Returns:
        A scalar; 0 with a zero gradient where no pixel has a label.

    Raises:
        ValueError: If the shapes differ.
    """
    logits, safe_label, valid = _with_index(logits, label)
    energy = -logits.gather(1, safe_label.unsqueeze(1)).squeeze(1)
    return masked_mean(energy, valid) + logit_weight * masked_mean(logits.square().sum(dim=1), valid)


def hinge_energy_loss(
    logits: Tensor, label: Tensor, margins: Tuple[Margin, Margin], unreliable: Optional[Tensor] = None
) -> Tensor:
    r"""Push energies of reliable pixels below a margin and those of unreliable ones above another (Liu et al., 2020).

    .. math:: L = \mathrm{mean}_i \max(0, E_i - m_{in})^2 + \mathrm{mean}_j \max(0, m_{out} - E_j)^2

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64; the reliable pixels :math:`i` are those whose label is not 255.
        margins: :math:`(m_{in}, m_{out})`.
        unreliable: ``(B, H, W)`` bool, the pixels :math:`j`; none if not given.

    Returns:
        A scalar, at least 0; a part without a pixel is 0 with a zero gradient.

    Raises:
        ValueError: If the shapes differ.
    """
    logits, _, valid = _with_index(logits, label)
    low, high = margins
    energy = free_energy(logits)
    loss = masked_mean((energy - low).clamp(min=0).square(), valid)
    if unreliable is None:
        return loss
    return loss + masked_mean((high - energy).clamp(min=0).square(), unreliable)


def release_energy_loss(logits: Tensor, label: Tensor) -> Tensor:
    r"""Energy term of DUEB's public code: :math:`\ln \sum_i e^{p_i}` with :math:`p_i = \mathrm{softmax}(z_i)_{y_i}`.

    Added with a plus sign, it is a confidence penalty. It grows with the logarithm of the number of pixels. Each of
    several processes takes its own, so their mean is lower than one process's, by the logarithm of their number.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64, 255 ignored.

    Returns:
        A scalar; 0 with a zero gradient where no pixel counts.

    Raises:
        ValueError: If the shapes differ.
    """
    logits, safe_label, valid = _with_index(logits, label)
    prob = F.cross_entropy(logits, safe_label, reduction='none').neg().exp()
    kept = valid & (prob > 0)  # the public code drops probabilities that underflow to 0; e^0 = 1 would count
    total = prob.exp().where(kept, prob.new_zeros(())).sum()
    return total.where(kept.any(), torch.ones_like(total)).log()


@torch.no_grad()
def energy_reliability(logits: Tensor, margin: Margin, temperature: float = 1.0) -> Tensor:
    r"""Weight of a pixel by its free energy: :math:`\mathrm{sigmoid}((m - E_i) / \tau)`.

    Args:
        logits: ``(B, C, H, W)``.
        margin: :math:`m`, in the unit of the logits: the energy that counts half.
        temperature: :math:`\tau > 0`.

    Returns:
        ``(B, H, W)`` in ``(0, 1)``, without a gradient.
    """
    return torch.sigmoid((margin - free_energy(logits, temperature)) / temperature)


def _with_index(logits: Tensor, label: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Logits in full precision, a class for every pixel to gather by, and the pixels that have a label."""
    if label.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f'Expected a label for every pixel of the logits {tuple(logits.shape)}, got {tuple(label.shape)}.'
        )
    valid = label != IGNORE_INDEX
    return at_least_fp32(logits), label.where(valid, label.new_zeros(())), valid
