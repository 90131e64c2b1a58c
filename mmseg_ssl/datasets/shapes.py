"""The built-in dataset: drawn on first use, for machines without data."""

import os
import os.path as osp
import shutil
import tempfile
from pathlib import Path
from typing import Any, Optional

import cv2
import numpy as np
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from ..errors import DatasetError
from ..utils.random import fold
from .shapes_scene import CLASSES, draw_scene

SIZES = dict(train=160, val=48)
SEED = 2026
VERSION = '2'  # raise it with every change of a pixel


@DATASETS.register_module()
class ShapesDataset(BaseSegDataset):
    """Procedurally drawn street scenes: 160 train / 48 val images of 96x64, 8 classes, 4 MB.

    It is not a benchmark: it shows in a minute what a method does, on a machine without any data. The images are drawn
    into ``data_root`` if they are not there yet; every image is a function of its number.

    Args:
        data_root: Folder of the data, which is made if it does not exist.
        img_suffix: Suffix of images.
        **kwargs: As in mmseg's ``BaseSegDataset``.

    Raises:
        DatasetError: ``data_root`` holds other data, or another version.
    """

    # fmt: off
    METAINFO = dict(
        classes=CLASSES,
        palette=[[135, 180, 220], [80, 140, 80], [170, 140, 100], [180, 60, 60], [20, 90, 30],
                 [60, 60, 60], [240, 150, 20], [220, 220, 0]])
    # fmt: on

    def __init__(self, data_root: Optional[str] = 'data/shapes', img_suffix: str = '.png', **kwargs: Any) -> None:
        if data_root:
            self.prepare(data_root)
        super().__init__(data_root=data_root, img_suffix=img_suffix, **kwargs)

    @staticmethod
    def prepare(root: str) -> None:
        """Draw the data unless it exists; never leaves half of it, even with many processes at once.

        Args:
            root: Folder that will hold ``img_dir/{train,val}`` and ``ann_dir/{train,val}``.

        Raises:
            DatasetError: The folder exists and is not this version of the data.
        """
        root = osp.abspath(root)
        if not osp.isdir(root):
            os.makedirs(osp.dirname(root), exist_ok=True)
            draft = tempfile.mkdtemp(prefix='.shapes-', dir=osp.dirname(root))
            try:
                write_shapes(draft)
                os.chmod(draft, 0o755)  # mkdtemp makes folders that only their owner can read
                os.rename(draft, root)
            except OSError:
                if not osp.isdir(root):  # another process may have been faster: its data are equal
                    raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        version = Path(root, 'version.txt')
        if not version.is_file() or version.read_text().strip() != VERSION:
            raise DatasetError(
                f'{root} is not version {VERSION} of the drawn dataset. Delete the folder (it '
                'will be drawn again), or give another data_root.'
            )


def write_shapes(folder: str) -> None:
    """Draw all images and masks.

    Args:
        folder: An existing folder.
    """
    for part, (name, size) in enumerate(SIZES.items()):
        images, masks = osp.join(folder, 'img_dir', name), osp.join(folder, 'ann_dir', name)
        os.makedirs(images)
        os.makedirs(masks)
        for number in range(size):
            rng = np.random.RandomState(fold(SEED, part, number) % 2**32)
            image, mask = draw_scene(rng)
            cv2.imwrite(osp.join(images, f'{number:04d}.png'), image)
            cv2.imwrite(osp.join(masks, f'{number:04d}.png'), mask)
    Path(folder, 'version.txt').write_text(VERSION + '\n')
