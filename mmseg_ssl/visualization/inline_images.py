"""Pictures as text that an HTML page holds itself."""

import base64
from typing import Any

import cv2
import numpy as np


def png_uri(picture: np.ndarray) -> str:
    """Return a picture without loss, as the ``src`` of an ``img``.

    Args:
        picture: ``(H, W)`` uint8, or ``(H, W, 3)`` uint8, red, green, blue.
    """
    return _uri(picture, '.png', 'image/png')


def jpeg_uri(picture: np.ndarray, quality: int = 88) -> str:
    """Return a photo, as the ``src`` of an ``img``.

    Args:
        picture: ``(H, W, 3)`` uint8, red, green, blue.
        quality: Of JPEG, in 1..100.
    """
    return _uri(picture, '.jpg', 'image/jpeg', [cv2.IMWRITE_JPEG_QUALITY, quality])


def svg_uri(drawing: bytes) -> str:
    """Return a drawing, as the ``src`` of an ``img``, where its ids meet no others.

    Args:
        drawing: A whole SVG file.
    """
    return f'data:image/svg+xml;base64,{base64.b64encode(drawing).decode()}'


def heat(values: np.ndarray, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Paint a map of numbers: black for the lowest, over red, to light yellow for the highest.

    Args:
        values: ``(H, W)``; NaN is painted as the lowest.
        low: Value that is black, and every lower one.
        high: Value that is light yellow, and every higher one.

    Returns:
        ``(H, W, 3)`` uint8, red, green, blue.
    """
    share = np.nan_to_num((values - low) / max(high - low, 1e-12)).clip(0, 1)
    return cv2.applyColorMap((255 * share).round().astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]


def fit_within(picture: np.ndarray, side: int, nearest: bool = False) -> np.ndarray:
    """Shrink a picture whose longer side is too long.

    Args:
        picture: ``(H, W)`` or ``(H, W, 3)``.
        side: Longest side in pixels.
        nearest: Take the nearest pixel, as maps of classes need, instead of means.
    """
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrunk: Any = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA)
    return shrunk


def _uri(picture: np.ndarray, suffix: str, kind: str, options: Any = ()) -> str:
    """Encode a picture, whose channels OpenCV has the other way round."""
    turned = picture[..., ::-1] if picture.ndim == 3 else picture
    content = cv2.imencode(suffix, np.ascontiguousarray(turned), list(options))[1].tobytes()
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'
