"""MSRC-21: photos of things and stuff in 21 classes, a dataset where labels are the bottleneck."""

from typing import Any

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class MSRC21Dataset(BaseSegDataset):
    """MSRC-21 (v2) with the cleaned masks of Malisiewicz & Efros (BMVC 2007); 255 is void, horse and mountain.

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
        classes=('building', 'grass', 'tree', 'cow', 'sheep', 'sky', 'aeroplane', 'water', 'face', 'car', 'bicycle',
                 'flower', 'sign', 'bird', 'book', 'chair', 'road', 'cat', 'dog', 'body', 'boat'),
        palette=[[128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [0, 128, 128], [128, 128, 128], [192, 0, 0],
                 [64, 128, 0], [192, 128, 0], [64, 0, 128], [192, 0, 128], [64, 128, 128], [192, 128, 128],
                 [0, 64, 0], [128, 64, 0], [0, 192, 0], [128, 64, 128], [0, 192, 128], [128, 192, 128], [64, 64, 0],
                 [192, 64, 0]])
    # fmt: on

    def __init__(self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
