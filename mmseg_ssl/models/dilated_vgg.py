"""VGG-16 at stride 8, as the first DeepLab has it."""

from typing import List, Optional, Tuple

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

# channels of the convolutions of a stage, their dilation, and the stride of the pooling behind them
STAGES: Tuple[Tuple[Tuple[int, ...], int, int], ...] = (
    ((64, 64), 1, 2),
    ((128, 128), 1, 2),
    ((256, 256, 256), 1, 2),
    ((512, 512, 512), 1, 1),
    ((512, 512, 512), 2, 1),
)


@MODELS.register_module()
class DilatedVGG(BaseModule):
    """The convolutions of VGG-16, whose last two poolings do not shrink and whose last stage is dilated by 2.

    DeepLab (Chen et al., ICLR 2015). Layers have the numbers of torchvision's ``vgg16().features``, so that its weights
    load; the head holds what was fc6 and fc7.

    Args:
        init_cfg: As in mmengine; the address of torchvision's weights stands in ``deeplab_vgg16-d8.py``.
    """

    def __init__(self, init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        layers: List[nn.Module] = []
        before = 3
        for widths, dilation, stride in STAGES:
            for channels in widths:
                layers += [nn.Conv2d(before, channels, 3, padding=dilation, dilation=dilation), nn.ReLU(inplace=True)]
                before = channels
            layers.append(nn.MaxPool2d(3, stride=stride, padding=1))
        self.features = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tuple[Tensor]:
        """Compute the one level that there is.

        Args:
            images: ``(B, 3, H, W)``.

        Returns:
            ``((B, 512, ceil(H / 8), ceil(W / 8)),)``.
        """
        return (self.features(images),)
