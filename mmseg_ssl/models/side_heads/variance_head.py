"""Predicted aleatoric variance, one number per pixel."""

from typing import Optional

import torch.nn as nn
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import masked_mean
from ...structures import IGNORE_INDEX, Prediction
from ...utils.choices import not_negative
from ..losses.heteroscedastic import MAX_VARIANCE, heteroscedastic_cross_entropy


@MODELS.register_module()
class VarianceHead(BaseModule):
    r"""Aleatoric variance :math:`\sigma_i^2 = \mathrm{softplus}(w^T f_i + b)` of the logits (DUEB).

    A 1x1 convolution on the input of the segmentation classifier, shared by all classes of a pixel, at most
    :data:`MAX_VARIANCE` (beyond it, the noise drowns every logit and the gradient dies). On labeled images it is
    trained by :func:`heteroscedastic_cross_entropy`, whatever the method; methods with aleatoric terms of their own
    (DUEB) set ``loss_weight=0``.

    Args:
        in_channels: Channels of the embedding; the branch fills it in.
        num_classes: Not used; every side head gets it.
        loss_weight: Weight of the aleatoric loss on labeled images.
        init_cfg: As in mmengine; a small normal initialization by default.
    """

    per_pixel = True
    """Let the branch resize the map to the size of the image."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 0,
        loss_weight: float = 0.5,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.01))
        self.conv = nn.Conv2d(in_channels, 1, kernel_size=1)
        self.loss_weight = not_negative(loss_weight=loss_weight)

    def forward(self, embedding: Tensor, logits: Tensor) -> Tensor:
        """Compute the variance of every pixel.

        Args:
            embedding: ``(B, D, h, w)``.
            logits: ``(B, C, H, W)``; not used.

        Returns:
            ``(B, 1, h, w)`` in ``(0, MAX_VARIANCE]``, fp32.
        """
        return F.softplus(self.conv(embedding).float()).clamp(max=MAX_VARIANCE)

    def loss(self, pred: Prediction, variance: Tensor, label: Tensor) -> Tensor:
        """Compute the weighted aleatoric loss of labeled images.

        Args:
            pred: Prediction of the branch.
            variance: This head's map in it, ``(B, 1, H, W)``.
            label: ``(B, H, W)`` int64, 255 ignored.

        Returns:
            A scalar, the mean over labeled pixels.
        """
        loss = heteroscedastic_cross_entropy(pred.logits, variance, label)
        return self.loss_weight * masked_mean(loss, over=label != IGNORE_INDEX)
