"""DeepLabV3+'s head with the classifier of ELN."""

from typing import Any

from mmseg.models.decode_heads import DepthwiseSeparableASPPHead
from mmseg.registry import MODELS
from torch import nn


class TwoLayerClassifier(nn.Sequential):
    """Two 1x1 convolutions with a ReLU between them.

    Args:
        in_channels: Channels of the embedding, and between the convolutions.
        out_channels: Channels of the logits.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        hidden = nn.Conv2d(in_channels, in_channels, kernel_size=1)
        super().__init__(hidden, nn.ReLU(inplace=True), nn.Conv2d(in_channels, out_channels, kernel_size=1))
        self.in_channels, self.out_channels = in_channels, out_channels  # as a convolution has them


@MODELS.register_module()
class TwoLayerASPPHead(DepthwiseSeparableASPPHead):
    """The host's head of DeepLabV3+, whose ``conv_seg`` is two 1x1 convolutions with a ReLU.

    ELN's segmentation head, of the student as of the auxiliary decoders, and its localizer's (Kwon & Kwak, CVPR 2022).
    The input of both convolutions is the embedding, as that of the projection head is.

    Args:
        **kwargs: As for ``DepthwiseSeparableASPPHead``. ``init_cfg`` is None by default, torch's initialization as in
            the paper's public code: the host's, of deviation 0.01, would leave next to nothing after two layers.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault('init_cfg', None)
        super().__init__(**kwargs)
        self.conv_seg = TwoLayerClassifier(self.channels, self.out_channels)
