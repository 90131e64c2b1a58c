"""Predicted aleatoric variance, one number per pixel."""
import torch.nn as nn
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmseg.registry import MODELS


@MODELS.register_module()
class VarianceHead(BaseModule):
    r"""Aleatoric variance :math:`\sigma_i^2 = \mathrm{softplus}(w^T f_i + b)` of the logits (DUEB).

    A 1x1 convolution on the input of the segmentation classifier, shared by all classes of a pixel, at most
    ``max_variance`` (beyond it, the noise drowns every logit and the gradient dies).

    Args:
        in_channels: Channels of the embedding; the branch fills it in.
        num_classes: Not used; every side head is told.
        max_variance: Upper bound of the variance.
        init_cfg: As in mmengine; a small normal initialisation by default.
    """

    per_pixel = True
    """The branch resizes the map to the size of the image."""

    def __init__(self, in_channels: int, num_classes: int = 0, max_variance: float = 10.0, init_cfg=None) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.01))
        self.conv = nn.Conv2d(in_channels, 1, kernel_size=1)
        self.max_variance = max_variance

    def forward(self, embedding: Tensor, logits: Tensor) -> Tensor:
        """Variance of every pixel.

        Args:
            embedding: ``(B, D, h, w)``.
            logits: ``(B, C, H, W)``; not used.

        Returns:
            ``(B, 1, h, w)`` in ``(0, max_variance]``, fp32.
        """
        return F.softplus(self.conv(embedding).float()).clamp(max=self.max_variance)
