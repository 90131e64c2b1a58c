"""Heads of the DeepLabs before the third, for tables of weak supervision that have their networks."""

from typing import Any, Sequence

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


class SummedConvolutions(nn.ModuleList):
    """The sum of 3x3 convolutions of one map, of several dilations; in the place of a classifier.

    Args:
        in_channels: Channels of the map.
        out_channels: Channels of the sum.
        dilations: One convolution each.
    """

    def __init__(self, in_channels: int, out_channels: int, dilations: Sequence[int]) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 3, padding=rate, dilation=rate) for rate in dilations)
        self.in_channels, self.out_channels = in_channels, out_channels

    def forward(self, features: Tensor) -> Tensor:
        """Sum over the dilations, ``(B, out_channels, H, W)``."""
        return sum(convolve(features) for convolve in self)


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """ASPP of DeepLabV2 (Chen et al., TPAMI 2018): the sum of dilated classifiers on the backbone's last level.

    Args:
        dilations: Of the classifiers.
        **kwargs: As for mmseg's ``BaseDecodeHead``; ``channels`` are the ``in_channels``.
    """

    def __init__(self, dilations: Sequence[int] = (6, 12, 18, 24), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conv_seg = SummedConvolutions(self.in_channels, self.out_channels, dilations)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Compute logits, ``(B, C, h, w)``, of the levels of the backbone."""
        return self.cls_seg(self._transform_inputs(inputs))


@MODELS.register_module()
class LargeFOVHead(BaseDecodeHead):
    """Large field of view of the first DeepLab: what was fc6 is a dilated 3x3, what was fc7 a 1x1 convolution.

    Args:
        dilation: Of the first convolution.
        **kwargs: As for mmseg's ``BaseDecodeHead``; 1024 ``channels`` in DeepLab.
    """

    def __init__(self, dilation: int = 12, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fc6 = ConvModule(self.in_channels, self.channels, 3, padding=dilation, dilation=dilation)
        self.fc7 = ConvModule(self.channels, self.channels, 1)
        self.between = nn.Dropout2d(self.dropout_ratio)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Compute logits, ``(B, C, h, w)``, of the levels of the backbone."""
        features = self.between(self.fc6(self._transform_inputs(inputs)))
        return self.cls_seg(self.fc7(features))
