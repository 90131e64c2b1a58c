"""Small pictures for a page."""

import cv2
import mmcv
import numpy as np

from ...structures import UNLABELED
from ...visualization import fit_within, jpeg_uri
from .labels import Labels
from .masks import classes_in
from .photos import Photo

WIDTH = 340
"""Longest side of a picture in pixels."""


def picture(photo: Photo) -> str:
    """Return an image as the address of an ``<img>``."""
    return jpeg_uri(_small(photo))


def with_classes(photo: Photo, labels: Labels) -> str:
    """Return an image with its classes over it, likewise: black ones are clear, pixels without a class are darkened."""
    image, mask = _small(photo), classes_in(photo, labels)
    if labels.loader is not None:
        mask = _thicker(mask, mask.shape[1] / image.shape[1])
    mask = cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    colors = np.array([*labels.palette, [0, 0, 0]], np.uint8)
    full, dark = (0.6, 0.6) if labels.loader is None else (1.0, 0.35)  # of scribbles little would be left
    opacity = np.where(colors.any(axis=1), full, 0.0)
    opacity[-1] = dark
    index = np.where(mask < UNLABELED, mask, len(labels.palette))
    weight = opacity[index][..., None]
    return jpeg_uri(((1 - weight) * image + weight * colors[index]).round().astype(np.uint8))


def _thicker(mask: np.ndarray, shrink: float) -> np.ndarray:
    """Widen scribbles so that they survive being shrunk."""
    side = 2 * round(shrink) + 3
    drawn = np.where(mask < UNLABELED, mask + 1, 0).astype(np.uint8)
    wide = cv2.dilate(drawn, np.ones((side, side), np.uint8))
    return np.where(mask < UNLABELED, mask, np.where(wide > 0, wide - 1, mask)).astype(np.uint8)


def _small(photo: Photo) -> np.ndarray:
    """Read an image as the loader does, ``(H, W, 3)`` in RGB, at most ``WIDTH`` pixels long."""
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR if photo.deep else cv2.IMREAD_COLOR
    image = mmcv.imfrombytes(photo.path.read_bytes(), flag=flags, backend='cv2')
    if image.dtype != np.uint8:
        image = np.nan_to_num(image) / max(float(np.nanpercentile(image, 99.9)), 1e-9)
        image = (image * 255).clip(0, 255).astype(np.uint8)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return fit_within(image[..., ::-1], WIDTH)
