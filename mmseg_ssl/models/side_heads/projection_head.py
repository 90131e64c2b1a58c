"""Embeddings for contrastive losses."""

from typing import List, Optional

import torch.nn as nn
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class ProjectionHead(BaseModule):
    """Projects the input of the segmentation classifier: 1x1 convolution, ReLU, 1x1 convolution (ELN, FARCLUSS).

    Args:
        in_channels: Channels of the embedding; the branch fills it in.
        num_classes: Not used; every side head gets it.
        hidden_channels: Channels between the convolutions.
        out_channels: Channels ``D'`` of the projection.
        norm_cfg: Config of a normalization after the first convolution; none by default.
        init_cfg: As in mmengine; torch's initialization by default.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 0,
        hidden_channels: int = 256,
        out_channels: int = 128,
        norm_cfg: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        norm: List[nn.Module] = [build_norm_layer(norm_cfg, hidden_channels)[1]] if norm_cfg else []
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, hidden_channels, kernel_size=1),
            *norm,
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, out_channels, kernel_size=1),
        )

    def forward(self, embedding: Tensor, logits: Tensor) -> Tensor:
        """Project every pixel.

        Args:
            embedding: ``(B, D, h, w)``.
            logits: ``(B, C, H, W)``; not used.

        Returns:
            ``(B, D', h, w)``, fp32, not normalized: the losses do that.
        """
        return self.layers(embedding).float()
