"""Images with more than 8 bits per channel."""

from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadDeepImage(LoadImageFromFile):
    """Load an image of 9 to 32 bits per channel and scale its real range to 0..255; replaces LoadImageFromFile.

    The host's loader divides 16-bit values by 256, so of 11-bit values, 0..2047, the network would see 0..7.

    Args:
        max_value: Value that becomes 255, e.g. 2047 for 11 bits; larger values are clipped.
        min_value: Value that becomes 0.
        **kwargs: As for ``LoadImageFromFile``. ``color_type`` sets the number of channels: 3 (``color``), 1
            (``grayscale``) or that of the file (``unchanged``).

    Raises:
        ValueError: The range is empty.

    Example:
        >>> load = LoadDeepImage(max_value=4095)
    """

    def __init__(self, max_value: float, min_value: float = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if max_value <= min_value:
            raise ValueError(f'max_value must be above min_value ({min_value}), got {max_value}.')
        self.min_value, self.max_value = min_value, max_value

    def transform(self, results: dict) -> dict:
        """Load one image.

        Args:
            results: Dict with ``img_path``.

        Returns:
            The dict with ``img`` uint8 and its shapes.

        Raises:
            ValueError: OpenCV cannot decode it, or it has 8 bits and ``max_value`` is for more.
        """
        content = fileio.get(results['img_path'], backend_args=self.backend_args)
        # the EXIF orientation is applied where the host applies it: to color and gray, not to `unchanged`
        flags = cv2.IMREAD_UNCHANGED if self.color_type == 'unchanged' else cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
        image = mmcv.imfrombytes(content, flag=flags, backend='cv2')
        if image is None:
            raise ValueError(f'{results["img_path"]}: OpenCV cannot decode it.')
        if image.dtype == np.uint8 and self.max_value > 255:
            raise ValueError(
                f'{results["img_path"]} has 8 bits: with max_value={self.max_value:g} of LoadDeepImage it would be '
                'nearly black. Save all images with the same number of bits.'
            )
        image = np.nan_to_num(image, nan=self.min_value) if image.dtype.kind == 'f' else image  # "no data"
        scaled = (image.astype(np.float32) - self.min_value) * (255 / (self.max_value - self.min_value))
        image = scaled.round().clip(0, 255).astype(np.uint8)
        if self.color_type == 'color' and image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        elif self.color_type == 'grayscale' and image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if self.to_float32:
            image = image.astype(np.float32)
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results
