"""Embeddings for contrastive losses."""

from typing import Optional

import torch.nn as nn
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class ProjectionHead(BaseModule):
    """Projects the input of the segmentation classifier: 1x1 convolution, ReLU, 1x1 convolution (ELN, and others).

    Args:
        in_channels: Channels of the embedding; the branch fills it in.
        num_classes: Not used; every side head is told.
        hidden_channels: Channels between the convolutions.
        out_channels: Channels ``D'`` of the projection.
        init_cfg: As in mmengine; torch's initialisation by default.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 0,
        hidden_channels: int = 256,
        out_channels: int = 128,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, hidden_channels, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, out_channels, kernel_size=1),
        )

    def forward(self, embedding: Tensor, logits: Tensor) -> Tensor:
        """Project every pixel.

        Args:
            embedding: ``(B, D, h, w)``.
            logits: ``(B, C, H, W)``; not used.

        Returns:
            ``(B, D', h, w)``, fp32, not normalised: the losses do that.
        """
        return self.layers(embedding).float()
