"""Writes masks as class indices where the user's cannot be trained on as they are."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, Optional, Tuple

import mmcv
import numpy as np
from PIL import Image

from ...datasets.checks.fix import distinct_values, gray_values
from ...utils.atomic_files import replace_file
from .labels import Labels
from .lists import mixed
from .photos import Photo


def classes_in(photo: Photo, labels: Labels) -> np.ndarray:
    """Read a mask as classes, 254 where nobody labeled it, 255 where it is ignored.

    Args:
        photo: An image with a readable mask.
        labels: What its values mean.

    Returns:
        ``(H, W)`` uint8.
    """
    assert photo.mask is not None
    mask = mmcv.imfrombytes(photo.mask.read_bytes(), flag='unchanged', backend='pillow')  # as LoadAnnotations does
    values, place = distinct_values(mask)
    values = [photo.palette.get(value, value) if isinstance(value, int) else value for value in values]
    if not set(values) <= set(labels.table):
        values = [*gray_values(values)]
    return np.array([labels.table[value] for value in values], np.uint8)[place].reshape(mask.shape[:2])


def common_place(photos: List[Photo]) -> Optional[Tuple[Path, str]]:
    """Return the folder of the masks and what follows an image's id in their names, if all are named alike."""
    if mixed(photos):
        return None
    found = set()
    for photo in photos:
        assert photo.mask is not None
        depth = photo.id.count('/')
        root = photo.mask.parents[depth]
        name = photo.mask.relative_to(root).as_posix()
        found.add((root, name[len(photo.id) :]))
    return found.pop() if len(found) == 1 else None


def write_masks(photos: List[Photo], labels: Labels, folder: Path) -> None:
    """Write the masks of images into a folder, by the ids that lists have, as 8-bit PNG."""

    def write(photo: Photo) -> None:
        content = io.BytesIO()
        Image.fromarray(classes_in(photo, labels)).save(content, format='PNG')
        name = f'{photo.id}{photo.suffix}' if mixed(photos) else photo.id
        replace_file(folder / f'{name}.png', content.getvalue())

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, photos))
