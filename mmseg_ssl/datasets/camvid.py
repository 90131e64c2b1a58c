"""CamVid: road scenes in 11 classes."""

from typing import Any

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """CamVid with the 11 classes and the 367 / 101 / 233 split of SegNet; 255 is void.

    Layout: ``img_dir/{train,val,test}/*.jpg`` and ``ann_dir/{train,val,test}/*.png``, masks of 8-bit indices.

    Args:
        img_suffix: Suffix of images.
        seg_map_suffix: Suffix of masks.
        **kwargs: As in mmseg's ``BaseSegDataset``.

    Raises:
        DatasetError: The image folder is missing.
    """

    # fmt: off
    METAINFO = dict(
        classes=('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign', 'fence', 'car',
                 'pedestrian', 'bicyclist'),
        palette=[[128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222],
                 [128, 128, 0], [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0],
                 [0, 128, 192]])
    # fmt: on

    def __init__(self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
