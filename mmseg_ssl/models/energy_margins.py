"""Running energies of right and wrong pixels: the margins of DUEB's hinge and weight terms."""

import math
from typing import Tuple

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from ..ops import likeliest
from ..structures import IGNORE_INDEX
from ..utils.choices import share_of_new
from .losses import energy_reliability, free_energy


class EnergyMargins(nn.Module):
    r"""Running means of the free energy over labeled pixels that are predicted correctly and wrongly.

    .. math:: m_{in} \leftarrow (1 - \mu)\, m_{in} + \mu\, \mathrm{mean}_{\hat y_i = y_i} E_i, \quad
              m_{out} \leftarrow \text{the same over } \hat y_i \ne y_i

    Kept in buffers and all-reduced; a batch without such pixels leaves the mean alone.

    Args:
        momentum: :math:`\mu`, the share of the new batch.
        temperature: :math:`\tau > 0` of the free energy.

    Raises:
        ValueError: If a number is out of its range.
    """

    means: Tensor
    seen: Tensor

    def __init__(self, momentum: float = 0.05, temperature: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'EnergyMargins: temperature is above 0, got {temperature}.')
        self.momentum = share_of_new('EnergyMargins', momentum)
        self.temperature = temperature
        self.register_buffer('means', torch.zeros(2))
        self.register_buffer('seen', torch.zeros(2, dtype=torch.bool))

    @torch.no_grad()
    def update(self, logits: Tensor, label: Tensor) -> None:
        """Update the means by a labeled batch.

        Args:
            logits: ``(B, C, H, W)``.
            label: ``(B, H, W)`` int64.
        """
        energy = free_energy(logits, self.temperature)
        right = likeliest(logits)[1] == label
        # sums and counts, not means: only these can be added over processes
        groups = torch.stack([right, ~right & (label != IGNORE_INDEX)])
        sums = torch.stack([(energy * groups).sum(dim=(1, 2, 3)), groups.sum(dim=(1, 2, 3))])
        all_reduce(sums)
        total, count = sums
        share = torch.where(self.seen, self.momentum, 1.0) * (count > 0)  # the first batch sets the mean
        self.means.lerp_(total / count.clamp_min(1), share)
        self.seen.logical_or_(count > 0)

    def forward(self) -> Tuple[Tensor, Tensor]:
        """Return the margins ``(m_in, m_out)``, two 0-d tensors.

        A margin that no pixel has set yet is infinite, so that no energy costs by it.
        """
        (right, wrong), (any_right, any_wrong) = self.means, self.seen
        # new tensors, not views: the backward pass sees the values of this step
        return right.where(any_right, math.inf), wrong.where(any_wrong, -math.inf)

    def reliability(self, logits: Tensor) -> Tensor:
        """Weigh every pixel by how low its energy is, see :func:`energy_reliability`; 1/2 midway between the margins.

        Args:
            logits: ``(B, C, H, W)``.

        Returns:
            ``(B, H, W)`` in ``(0, 1)``, without a gradient.
        """
        return energy_reliability(logits, self.means.mean(), self.temperature)
