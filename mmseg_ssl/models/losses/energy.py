"""Energy terms: what a classifier's logits say as an energy-based model."""

from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops.precision import at_least_fp32
from ...ops.reduction import masked_mean
from ...structures import IGNORE_INDEX
from ...utils.choices import one_of

Margin = Union[Tensor, float]
"""An energy, in the unit of the logits: a number or a 0-d tensor."""

ENERGY_MODES = ('joint', 'hinge', 'weight', 'release')


def free_energy(logits: Tensor, temperature: float = 1.0) -> Tensor:
    r"""Free energy of every pixel (Liu et al., 2020): :math:`E(x_i) = - \tau \ln \sum_c e^{z_{ic} / \tau}`.

    Low where the network has seen the like, high where it has not.

    Args:
        logits: ``(B, C, ...)``.
        temperature: :math:`\tau > 0`.

    Returns:
        ``(B, ...)``, in the unit of the logits, fp32 or wider.
    """
    logits = at_least_fp32(logits)
    return -temperature * torch.logsumexp(logits / temperature, dim=1)


def energy_loss(
    logits: Tensor,
    label: Tensor,
    mode: str = 'joint',
    ignore_index: int = IGNORE_INDEX,
    *,
    temperature: float = 1.0,
    logit_weight: float = 0.1,
    margins: Tuple[Margin, Margin] = (-8.0, -4.0),
    unreliable: Optional[Tensor] = None,
) -> Tensor:
    r"""The energy term of DUEB in one of four forms; means run over the pixels with a label.

    - ``joint`` (JEM, :math:`\ln p(x, y) = z_y - \ln Z`):
      :math:`\mathrm{mean}_i(-z_{iy_i}) + \alpha\,\mathrm{mean}_i \sum_c z_{ic}^2`; the second part stands in for the
      intractable :math:`\ln Z`.
    - ``hinge`` (Liu et al., 2020): :math:`\mathrm{mean}_i \max(0, E_i - m_{in})^2`, and
      :math:`\mathrm{mean}_j \max(0, m_{out} - E_j)^2` over the ``unreliable`` pixels.
    - ``weight``: :math:`\mathrm{mean}_i\, g_i\, CE(z_i, y_i)` with the constant weight
      :math:`g_i = \mathrm{sigmoid}((m - E_i) / \tau)`, :math:`m` the middle of the margins.
    - ``release`` (the public code): :math:`\ln \sum_i e^{p_i}` with :math:`p_i = \mathrm{softmax}(z_i)_{y_i}`, added
      with a plus sign: a confidence penalty. It grows with the logarithm of the number of pixels.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64.
        mode: One of ``joint``, ``hinge``, ``weight``, ``release``.
        ignore_index: Label of pixels that do not count.
        temperature: :math:`\tau > 0` of the free energy.
        logit_weight: :math:`\alpha` of ``joint``.
        margins: :math:`(m_{in}, m_{out})`, numbers or 0-d tensors.
        unreliable: ``(B, H, W)`` bool for ``hinge``; none if not given.

    Returns:
        A scalar; 0 with a zero gradient where no pixel counts.

    Raises:
        ValueError: If the mode is unknown or the shapes differ.
    """
    one_of(ENERGY_MODES, mode=mode)
    if label.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f'Expected a label for every pixel of the logits {tuple(logits.shape)}, got {tuple(label.shape)}.'
        )
    logits = at_least_fp32(logits)
    valid = label != ignore_index
    safe_label = label.where(valid, label.new_zeros(()))
    low, high = margins
    if mode == 'joint':
        energy = -logits.gather(1, safe_label.unsqueeze(1)).squeeze(1)
        return masked_mean(energy, valid) + logit_weight * masked_mean(logits.square().sum(dim=1), valid)
    if mode == 'hinge':
        energy = free_energy(logits, temperature)
        loss = masked_mean((energy - low).clamp(min=0).square(), valid)
        if unreliable is None:
            return loss
        return loss + masked_mean((high - energy).clamp(min=0).square(), unreliable)
    if mode == 'weight':
        loss = F.cross_entropy(logits, safe_label, reduction='none')
        return masked_mean(loss * energy_reliability(logits, (low + high) / 2, temperature), valid)
    return _release(logits, safe_label, valid)


@torch.no_grad()
def energy_reliability(logits: Tensor, margin: Margin, temperature: float = 1.0) -> Tensor:
    r"""How much a pixel is worth by its free energy: :math:`\mathrm{sigmoid}((m - E_i) / \tau)`.

    Args:
        logits: ``(B, C, H, W)``.
        margin: :math:`m`, in the unit of the logits: the energy that counts half.
        temperature: :math:`\tau > 0`.

    Returns:
        ``(B, H, W)`` in ``(0, 1)``, without a gradient.
    """
    return torch.sigmoid((margin - free_energy(logits, temperature)) / temperature)


def _release(logits: Tensor, label: Tensor, valid: Tensor) -> Tensor:
    """``ln sum_i exp(p_i)``; as in the public code, pixels whose probability underflows to 0 are dropped."""
    prob = F.cross_entropy(logits, label, reduction='none').neg().exp()
    kept = valid & (prob > 0)
    total = prob.exp().where(kept, prob.new_zeros(())).sum()
    return total.where(kept.any(), torch.ones_like(total)).log()
