"""Patch of the host's reading of images, see :mod:`mmseg_ssl.compat`."""

from functools import wraps
from typing import Any


def patch_damaged_images() -> None:
    """Name the image that cannot be decoded, as newer mmcv does.

    OpenCV gives None for it, and mmcv 2.0.0 says only that ``None`` has no ``shape``.
    """
    from mmcv.transforms import LoadImageFromFile

    transform = LoadImageFromFile.transform
    if hasattr(transform, '__wrapped__'):
        return

    @wraps(transform)
    def named(self: Any, results: dict) -> Any:
        try:
            return transform(self, results)
        except AttributeError as error:
            if "'NoneType' object" not in str(error):
                raise
            raise AssertionError(f'failed to load image: {results["img_path"]}') from error

    LoadImageFromFile.transform = named
