"""Reads an uploaded image, whatever came instead of one."""

import io
import tempfile
import warnings
from pathlib import Path
from typing import List, Tuple

import numpy as np
from PIL import Image

from ...apis import TrainedNetwork
from ...apis.deep_images import deep_warnings

FORMATS = dict(BMP='.bmp', JPEG='.jpg', PNG='.png', TIFF='.tif', WEBP='.webp')
"""What Pillow calls the formats that are read -> suffix."""


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: HTTP status.
        message: Why, and what to do instead, for the person at the page.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def read_upload(content: bytes, network: TrainedNetwork, megapixels: float) -> Tuple[np.ndarray, List[str]]:
    """Read an image as the network's pipeline reads its files.

    Args:
        content: A whole file; its name plays no part.
        network: The network.
        megapixels: Largest size; a small file may hold a huge image, so the size is read before the pixels are.

    Returns:
        ``(H, W, channels)``, and what to say of values that the network does not see.

    Raises:
        RefusedError: It is no image, damaged, or too large.
    """
    known, limit = ', '.join(FORMATS), f'at most {megapixels:g} megapixels are predicted here.'
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)  # the size is checked below
            image = Image.open(io.BytesIO(content), formats=list(FORMATS))
        _require_size(image.size, megapixels)
        suffix = FORMATS[str(image.format)]
        image.load()  # a truncated file fails here; OpenCV would fill up the rest in gray
    except Image.DecompressionBombError as error:
        raise RefusedError(413, f'The image is too large; {limit}') from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises about files
        raise RefusedError(415, f'This file is no image that can be read, or it is damaged. Known: {known}.') from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f'image{suffix}')
        path.write_bytes(content)
        try:
            pixels = network.read(path)
        except Exception as error:  # of any decoder of the pipeline
            raise RefusedError(415, f'The image cannot be read by the network: {error}.') from error
        said = deep_warnings(network.reading, [path])
    return pixels, [text.replace(str(path), 'The image') for text in said]


def _require_size(size: tuple, megapixels: float) -> None:
    """Refuse an image that would fill the memory."""
    width, height = size
    if width * height > 1e6 * megapixels:
        raise RefusedError(
            413, f'The image has {width} x {height} pixels; at most {megapixels:g} megapixels are predicted here.'
        )
