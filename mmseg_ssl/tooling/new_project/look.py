"""Reads every image and every mask once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import List

import cv2
import numpy as np
from mmengine.dataset import BaseDataset
from mmseg.datasets import BaseSegDataset
from PIL import Image
from rich.console import Console
from rich.progress import track

from ...datasets.checks.fix import distinct_values
from ...datasets.checks.image_files import read_image, undecodable
from ...datasets.checks.mask_files import decode_mask, is_lossy
from ...datasets.checks.palettes import palette_of
from .photos import Photo

SIDE = 16
"""Pixels per side of the small gray image by which images are compared."""
CONTRAST = 1.0
"""Mean deviation of the gray values, of 255, below which an image has nothing to compare."""
MANY_COLORS = 256
"""More colors than this in a mask are no classes."""
LOSSY = 'JPEG or lossy WebP, whose compression changes the labels along every edge: export the masks again as PNG'


def look_at(photos: List[Photo]) -> None:
    """Read all images and masks; what is found out is written into the photos, problems too.

    Args:
        photos: The images; those with a mask need its counts.
    """
    loader = BaseSegDataset(
        data_prefix=dict(img_path='', seg_map_path=''),
        metainfo=dict(classes=('any', 'other'), palette=[[0, 0, 0], [255, 255, 255]]),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
        lazy_init=True,
    )
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter lock
        done = pool.map(partial(_look, loader), photos)
        for _ in track(done, 'Reading the files', total=len(photos), console=Console(stderr=True), transient=True):
            pass


def _look(loader: BaseDataset, photo: Photo) -> None:
    facts = read_image(loader, dict(img_path=str(photo.path)), decode=True)
    photo.size, photo.deep, photo.problem = facts.size, facts.deep, facts.problem
    if photo.problem:
        return
    photo.look = small_gray(photo.path)
    if photo.mask is not None:
        photo.problem = _read_mask(loader, photo, photo.mask)


def small_gray(path: Path) -> np.ndarray:
    """Return the gray values of an image at 16x16, without their mean and as a unit vector, ``(256,)``.

    Zeros if the image has hardly a contrast or Pillow cannot read it: such images are like no other.
    """
    try:
        with Image.open(path) as image:
            image.draft('L', (4 * SIDE, 4 * SIDE))  # a JPEG: an eighth of the work
            pixels = np.array(image if image.mode in ('I', 'F', 'I;16') else image.convert('L'))
    except Exception:  # formats that only OpenCV knows
        return np.zeros(SIDE * SIDE, np.float32)
    whole = cv2.resize(np.nan_to_num(pixels.astype(np.float32)), (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()
    small: np.ndarray = whole - whole.mean()
    length = float(np.linalg.norm(small))
    return small / length if length > SIDE * CONTRAST else np.zeros_like(small)


def _read_mask(loader: BaseDataset, photo: Photo, path: Path) -> str:
    """Count the values of a mask; return what is wrong with it."""
    try:
        content = path.read_bytes()
        if is_lossy(content):
            return f'its mask {path.name} is {LOSSY}'
        mask = decode_mask(loader, dict(seg_map_path=str(path)), content)
    except Exception as error:  # decoders raise many kinds
        return f'its mask {path.name} {undecodable(error)}'
    size = (mask.shape[1], mask.shape[0])
    if size != photo.size:
        return f'its mask {path.name} is {"x".join(map(str, size))}, the image {"x".join(map(str, photo.size or ()))}'
    values, place = distinct_values(mask)
    if len(values) > MANY_COLORS:
        return f'its mask {path.name} has {len(values)} colors: it is smoothed or no mask'
    photo.counts = dict(zip(values, np.bincount(place).tolist()))
    photo.palette = palette_of(content, [value for value in values if isinstance(value, int)])
    photo.mask_channels = mask.ndim == 3 and mask.shape[2] > 1
    return ''
