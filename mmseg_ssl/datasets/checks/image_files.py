"""Reads facts about an image file, from its header if that is enough, else with the dataset's own loader."""

import io
import os
from typing import Any, NamedTuple, Optional, Tuple

import cv2
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.dataset import BaseDataset
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from ..pipelines import pipeline_steps

Size = Tuple[int, int]
EXIF_ORIENTATION = 0x0112
# Number of channels with OpenCV's `unchanged`, which expands palettes.
CHANNELS = {'1': 1, 'L': 1, 'I': 1, 'I;16': 1, 'I;16B': 1, 'F': 1, 'P': 3, 'RGB': 3, 'RGBA': 4, 'LA': 4}


class ImageFacts(NamedTuple):
    """Facts about an image file.

    Attributes:
        path: The file.
        size: Width and height as the loader gives them.
        channels: Channels of the file; 0 if unknown.
        deep: True if a channel has more than 8 bits.
        orientation: EXIF orientation; 1 is upright.
        problem: Reason why the file cannot be used; empty if it can.
    """

    path: str
    size: Optional[Size] = None
    channels: int = 0
    deep: bool = False
    orientation: int = 1
    problem: str = ''


def read_image(dataset: BaseDataset, info: dict, decode: bool, sized: bool = True) -> ImageFacts:
    """Read header and last bytes of an image, and all pixels if asked for or if these do not tell enough.

    Args:
        dataset: A built dataset, whose pipeline loads its images.
        info: The dataset's info of the image.
        decode: Decode JPEG and PNG files, too, although damage nearly always shows at their end.
        sized: Get the size from the loader if an EXIF tag rotates the image.
    """
    path, backend = info['img_path'], getattr(dataset, 'backend_args', None)
    try:
        if not fileio.exists(path, backend_args=backend):
            return ImageFacts(path, problem='missing')
        remote = backend is not None or '://' in path
        source = io.BytesIO(fileio.get(path, backend_args=backend)) if remote else open(path, 'rb')
    except OSError as error:
        return ImageFacts(path, problem=unreadable(error))
    with source:
        try:
            image = Image.open(source)
        except Exception as error:  # Pillow raises many kinds, and does not know 16-bit color TIFF
            return _ask_loader(dataset, info, error)
        facts = ImageFacts(path, image.size, CHANNELS.get(image.mode, 0), _is_deep(image), _orientation(image))
        if decode or not _has_end(image.format, source):
            try:
                # JPEG: all bytes, 1/8 of the work
                image.draft('RGB', (max(1, image.width // 8), max(1, image.height // 8)))
                image.load()
            except Exception as error:
                if image.format in ('JPEG', 'PNG'):  # OpenCV would fill the rest of a truncated file with gray
                    return facts._replace(problem=undecodable(error))
                return _ask_loader(dataset, info, error)
    if sized and facts.orientation != 1:
        return _ask_loader(dataset, info)._replace(orientation=facts.orientation, channels=facts.channels)
    return facts


def load_pixels(dataset: BaseDataset, info: dict) -> np.ndarray:
    """Load an image as the dataset's pipeline does.

    Args:
        dataset: A built dataset.
        info: The dataset's info of the image.
    """
    results = dict(info)
    for step in pipeline_steps(dataset) or [LoadImageFromFile()]:
        results = step(results)
        if 'img' in results:
            break
    return results['img']


def load_raw(dataset: BaseDataset, info: dict) -> Optional[np.ndarray]:
    """Load the unscaled values of the file; None if OpenCV does not know the format.

    Args:
        dataset: A built dataset.
        info: The dataset's info of the image.
    """
    content = fileio.get(info['img_path'], backend_args=getattr(dataset, 'backend_args', None))
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def _has_end(kind: Optional[str], source: Any) -> bool:
    """Check if a file ends as its format demands; False for formats without a fixed end."""
    place = source.tell()
    source.seek(max(source.seek(0, io.SEEK_END) - 32, 0))
    tail = source.read()
    source.seek(place)
    if kind == 'PNG':
        return b'IEND' in tail[-12:]
    return kind == 'JPEG' and tail.rstrip(b'\0').endswith(b'\xff\xd9')


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Check for more than 8 bits per channel; Pillow shows 16-bit color PNG as 8-bit, only ``tile`` tells."""
    return image.mode in ('F', 'I') or image.mode.startswith('I;') or ';16' in str(image.tile)


def _orientation(image: ImageFile.ImageFile) -> int:
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2.get(EXIF_ORIENTATION, 1))
    # asking a PNG without the tag would decode all of it
    return int(image.getexif().get(EXIF_ORIENTATION, 1)) if 'exif' in image.info else 1


def _ask_loader(dataset: BaseDataset, info: dict, reason: Optional[Exception] = None) -> ImageFacts:
    """Get the facts from the dataset's own loader; ``reason`` is why Pillow could not read the file."""
    try:
        pixels = load_pixels(dataset, info)
        raw = load_raw(dataset, info)
    except Exception as error:
        return ImageFacts(info['img_path'], problem=undecodable(reason or error))
    deep = raw is not None and raw.dtype != np.uint8
    channels = 0 if raw is None else (raw.shape[2] if raw.ndim == 3 else 1)
    return ImageFacts(info['img_path'], (pixels.shape[1], pixels.shape[0]), channels, deep)


def instead_of(path: str) -> str:
    """Say what there is where a file is missing: a link to nothing, or a file of nearly its name.

    Args:
        path: The file.
    """
    if os.path.islink(path):
        return ', a link that leads nowhere'
    folder, name = os.path.split(path)
    there = os.listdir(folder or os.curdir) if os.path.isdir(folder or os.curdir) else []
    stem = os.path.splitext(name)[0].lower()
    near = sorted(other for other in there if os.path.splitext(other)[0].lower() == stem)
    return f'; the folder holds {near[0]}' if near else ''


def damage(path: str) -> str:
    """Return why no loader can read a file: it is empty, damaged or not an image. Empty if it fails for another reason.

    Args:
        path: The file.
    """
    try:
        content = fileio.get(path)
    except Exception:  # it is missing, or may not be read, as the loader's own error says
        return ''
    if not content:
        return 'cannot be decoded: the file is empty'
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception as error:  # Pillow raises many kinds, and does not know 16-bit color TIFF
        known = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) is not None
        return '' if known else undecodable(error)
    return ''


def unreadable(error: OSError) -> str:
    """Return the message for a file or folder that the system does not open.

    Args:
        error: The system's error.
    """
    return f'cannot be opened: {error.strerror or error}'


def undecodable(error: Exception, content: bytes = b' ') -> str:
    """Return the message for a file that cannot be decoded.

    Args:
        error: The decoder's error.
        content: Content of the file, if it is at hand.
    """
    if not content:
        return 'cannot be decoded: the file is empty'
    if isinstance(error, UnidentifiedImageError):
        return 'cannot be decoded: its content is not an image'
    return f'cannot be decoded ({type(error).__name__}: {error})'
