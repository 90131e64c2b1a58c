"""DeepLabV3+'s head as the public codes of CPS, CPCL and DUEB have it."""

from typing import Any, Sequence

import torch
from mmcv.cnn import ConvModule, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class PlainASPPHead(BaseDecodeHead):
    """The ASPP of plain convolutions with LeakyReLU, and a decoder of two 3x3 convolutions.

    ::

        last level  --> 1x1, 3x3 at each dilation --> norm, LeakyReLU --> 1x1 --+--> norm, LeakyReLU --+
             `--------> mean --> 1x1, norm, LeakyReLU ------------------> 1x1 --'      (resized to)    |
        first level --> 1x1, norm, ReLU ---------------------------------------------------------------+
                                                                                                       v
                                           conv_seg <-- 3x3, norm, ReLU <-- 3x3, norm, ReLU <-- concatenated

    The host's ``DepthwiseSeparableASPPHead`` has separable convolutions and a norm per dilation, concatenates the mean,
    and reduces with a 3x3 convolution. This one takes the same options.

    Args:
        dilations: Of the ASPP's convolutions; 1 is a 1x1 convolution.
        c1_in_channels: Channels of the first level.
        c1_channels: Channels to which it is reduced.
        **kwargs: As for mmseg's ``BaseDecodeHead``; ``norm_cfg`` is needed.
    """

    def __init__(
        self,
        dilations: Sequence[int] = (1, 6, 12, 18),
        c1_in_channels: int = 256,
        c1_channels: int = 48,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        leaky = dict(type='LeakyReLU')
        width = len(dilations) * self.channels
        self.aspp = nn.ModuleList(self._convolution(self.in_channels, self.channels, rate) for rate in dilations)
        self.aspp_norm = nn.Sequential(build_norm_layer(self.norm_cfg, width)[1], nn.LeakyReLU(inplace=True))
        self.aspp_reduce = self._convolution(width, self.channels)
        self.pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            ConvModule(self.in_channels, self.channels, 1, norm_cfg=self.norm_cfg, act_cfg=leaky),
            self._convolution(self.channels, self.channels),
        )
        self.sum_norm = nn.Sequential(build_norm_layer(self.norm_cfg, self.channels)[1], nn.LeakyReLU(inplace=True))
        self.c1_reduce = ConvModule(c1_in_channels, c1_channels, 1, norm_cfg=self.norm_cfg)
        self.decoder = nn.Sequential(
            ConvModule(self.channels + c1_channels, self.channels, 3, padding=1, norm_cfg=self.norm_cfg),
            ConvModule(self.channels, self.channels, 3, padding=1, norm_cfg=self.norm_cfg),
        )

    @staticmethod
    def _convolution(in_channels: int, channels: int, dilation: int = 1) -> nn.Conv2d:
        """Make a convolution without bias: 1x1, or 3x3 with a dilation above 1."""
        if dilation == 1:
            return nn.Conv2d(in_channels, channels, 1, bias=False)
        return nn.Conv2d(in_channels, channels, 3, padding=dilation, dilation=dilation, bias=False)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Compute logits.

        Args:
            inputs: Levels of the backbone, ``(B, D_l, h_l, w_l)``; the first, and the one of ``in_index``, are read.

        Returns:
            ``(B, C, h_0, w_0)``, at the size of the first level.
        """
        last = self._transform_inputs(inputs)
        context = self.aspp_reduce(self.aspp_norm(torch.cat([convolve(last) for convolve in self.aspp], dim=1)))
        context = self.sum_norm(context + self.pool(last))
        detail = self.c1_reduce(inputs[0])
        context = resize(context, size=detail.shape[2:], mode='bilinear', align_corners=self.align_corners)
        return self.cls_seg(self.decoder(torch.cat([context, detail], dim=1)))
