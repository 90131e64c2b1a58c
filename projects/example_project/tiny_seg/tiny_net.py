"""A small backbone that knows nothing of mmseg_ssl."""

from typing import Tuple

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, ModuleList
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class TinyNet(BaseModule):
    """Strided 3x3 convolutions with BatchNorm.

    Args:
        channels: Channels of each stage; stage k has stride ``2 ** (k + 1)``.
        init_cfg: As in mmengine.
    """

    def __init__(self, channels: Tuple[int, ...] = (16, 32, 32), init_cfg: dict = None) -> None:
        super().__init__(init_cfg)
        norm = dict(type='BN')
        pairs = zip((3, *channels), channels)
        self.stages = ModuleList([ConvModule(i, o, 3, stride=2, padding=1, norm_cfg=norm) for i, o in pairs])

    def forward(self, images: Tensor) -> Tuple[Tensor, ...]:
        """Compute the features of every stage.

        Args:
            images: ``(B, 3, H, W)``.

        Returns:
            One ``(B, channels[k], H / 2 ** (k + 1), W / 2 ** (k + 1))`` per stage.
        """
        feats = []
        for stage in self.stages:
            images = stage(images)
            feats.append(images)
        return tuple(feats)
