"""Map of the prediction's free energy."""

import torch.nn as nn
from mmseg.registry import MODELS
from torch import Tensor

from ..losses.energy import free_energy


@MODELS.register_module()
class EnergyHead(nn.Module):
    r"""Free energy :math:`E_i = -\ln \sum_c e^{z_{ic}}`; no parameters.

    Low where a pixel looks like the training data. Attach it to any branch to get the map at inference.

    Args:
        in_channels: Not used; every side head gets it.
        num_classes: Not used.
    """

    per_pixel = True
    reads_embedding = False

    def __init__(self, in_channels: int = 0, num_classes: int = 0) -> None:
        super().__init__()

    def forward(self, embedding: Tensor, logits: Tensor) -> Tensor:
        """Compute the energy of every pixel.

        Args:
            embedding: ``(B, D, h, w)``; not used.
            logits: ``(B, C, H, W)``.

        Returns:
            ``(B, 1, H, W)`` in the unit of the logits, fp32.
        """
        return free_energy(logits).unsqueeze(1)
