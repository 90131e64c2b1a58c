"""Refuses arrays that are no images of the kind that a network was trained on."""

from typing import Any, Dict

import numpy as np


def gives_eight_bits(step: Dict[str, Any]) -> bool:
    """Return whether a loading step of a pipeline gives values from 0 to 255, whatever the file holds."""
    plain = step.get('color_type', 'color') != 'unchanged' and step.get('imdecode_backend', 'cv2') != 'tifffile'
    return step['type'] == 'LoadDeepImage' or (step['type'] == 'LoadImageFromFile' and plain)


def require_pixels(pixels: np.ndarray, eight_bits: bool) -> None:
    """Raise an error for what a network would predict without a word, and wrongly.

    Args:
        pixels: The array.
        eight_bits: Whether the network was trained on values from 0 to 255.

    Raises:
        ValueError: It has other dimensions than an image, no pixels, NaN, or values of another range.
    """
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise ValueError(f'expected one image (H, W, channels), got an array {pixels.shape}.')
    if pixels.dtype == np.uint8:
        return
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(
            'the image holds NaN or infinite values, of which nothing can be predicted. Replace them first, e.g. with '
            'np.nan_to_num.'
        )
    if eight_bits and (low < 0 or high > 255 or 0 < high <= 1):
        raise ValueError(
            f'expected values from 0 to 255, on which the network was trained, got {pixels.dtype} from {low:g} to '
            f'{high:g}. Scale them before.'
        )
