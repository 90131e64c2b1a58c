"""Images to predict: folders, patterns, single files and frames of videos, with the names of their results."""

import glob
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from ..apis import TrainedNetwork
from ..datasets.image_folder import IMAGES, ImageFolder
from ..errors import DatasetError
from ..utils.image_names import name_of_image
from .cli import UserError

VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')


class Item(NamedTuple):
    """An image to predict."""

    name: str  # of its results: a path below the folder of results, without suffix
    path: Path
    frame: Optional[int] = None  # number of the frame, from 0, if the path is a video


def find_items(given: Sequence[str], every: int = 1) -> List[Item]:
    """List the images that the words of a command line name.

    Names keep the subfolders: below a folder, below the part of a pattern that has no ``*``, or below the folder that
    holds all files given one by one. Frames of a video lie in a folder of its name.

    Args:
        given: Folders (read with their subfolders), patterns such as ``'photos/**/*.jpg'``, images and videos.
        every: Of a video, take every so many frames.

    Returns:
        Images in the order given, each once.

    Raises:
        UserError: Something is not there or holds no image, or two images would have one result.
    """
    single = [os.path.dirname(os.path.abspath(word)) for word in given if os.path.isfile(word)]
    shared = os.path.commonpath(single) if single else None
    items = list(dict.fromkeys(item for word in given for item in _items_of(word, shared, every)))
    names: Dict[str, Item] = {}
    for item in items:
        other = names.setdefault(item.name, item)
        if other != item:
            raise UserError(
                f'{other.path} and {item.path} would both be written as {item.name}. Rename one, or predict them into '
                'folders of their own.'
            )
    return items


def _items_of(word: str, shared: Optional[str], every: int) -> Iterator[Item]:
    """Yield what one word names."""
    if os.path.isdir(word):
        folder = ImageFolder(word, IMAGES)
        files = [Path(word, name + suffix) for name, suffix in folder.files()]
        if not files:
            raise UserError(folder.nothing_found().replace(' Correct img_suffix, or data_prefix.img_path.', ''))
        root: Optional[str] = word
    elif os.path.isfile(word):
        files, root = [Path(word)], shared
    else:
        found = sorted(glob.glob(word, recursive=True))
        files = [Path(name) for name in found if name.lower().endswith((*IMAGES, *VIDEOS)) and os.path.isfile(name)]
        root = os.path.dirname(word[: min((word.index(mark) for mark in '*?[' if mark in word), default=len(word))])
        if not files:
            raise UserError(f'there is no image, folder or video {word}.')
    for path in files:
        name = name_of_image(str(path), root or os.curdir)
        if path.suffix.lower() in VIDEOS:
            yield from (Item(f'{name}/{number:06d}', path, number) for number in range(0, _frames(path), every))
        else:
            yield Item(name, path)


def _frames(path: Path) -> int:
    """Count the frames of a video."""
    count = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))
    if count <= 0:
        raise UserError(f'{path} is not a video that OpenCV reads here. Convert it to MP4, or give a folder of frames.')
    return count


def read_items(items: Sequence[Item], network: TrainedNetwork) -> Iterator[Tuple[Item, Union[np.ndarray, str]]]:
    """Read images one after another; of a video only the frames that are asked for are decoded.

    Args:
        items: Of :func:`find_items`.
        network: The network that they are for.

    Yields:
        An image and its pixels, or the reason why it cannot be read.
    """
    video: Any = None
    opened, place = None, 0
    for item in items:
        if item.frame is None:
            yield item, _read_image(item.path, network)
            continue
        if opened != item.path:
            video, opened, place = cv2.VideoCapture(str(item.path)), item.path, 0
        while place < item.frame and video.grab():
            place += 1
        there, pixels = video.read() if place == item.frame else (False, None)
        place += 1
        yield item, (np.asarray(pixels) if there else f'the video ends before frame {item.frame}, or it is damaged')


def _read_image(path: Path, network: TrainedNetwork) -> Union[np.ndarray, str]:
    try:
        return network.read(str(path))
    except Exception as error:  # of any decoder: the other images are predicted all the same
        return reason_of(error)


def reason_of(error: Exception) -> str:
    """Return one line of what is wrong with an image.

    Args:
        error: What was raised for it; only our own words need no type.
    """
    return str(error) if isinstance(error, DatasetError) else f'{type(error).__name__}: {error}'.splitlines()[0]
