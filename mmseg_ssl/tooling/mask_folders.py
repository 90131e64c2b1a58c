"""Makes a folder of masks from another one, mask by mask."""

import io
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Protocol, Set

import cv2
import numpy as np
from PIL import Image

from ..errors import DatasetError
from ..structures import UNLABELED
from ..utils.atomic_files import replace_file


class Annotator(Protocol):
    """Reads a mask and makes another one of it; the result depends only on its settings, the mask and its name."""

    def read(self, path: Path) -> np.ndarray:
        """Read and check a mask, ``(H, W)`` uint8."""

    def __call__(self, mask: np.ndarray, name: str) -> np.ndarray:
        """Make the new mask, whose name is given below its folder."""


def read_indices(path: Path) -> np.ndarray:
    """Read an index mask.

    Args:
        path: An 8-bit index image, palettes included.

    Returns:
        ``(H, W)`` uint8.

    Raises:
        DatasetError: It is not an index mask.
    """
    try:
        with Image.open(path) as image:
            mask = np.array(image)
    except Exception as error:  # Pillow raises many kinds
        raise DatasetError(f'{path}: cannot be decoded ({type(error).__name__}: {error}).') from error
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise DatasetError(
            f'{path}: not an 8-bit mask of class indices: shape {mask.shape}, {mask.dtype}. Convert colors to '
            'indices, or give --suffix to choose among the files (Cityscapes: _gtFine_labelTrainIds.png).'
        )
    return mask


def classes_of_masks(folder: Path, suffix: str, ids: Iterable[str]) -> Dict[str, Set[int]]:
    """Find the classes of images in their masks.

    Args:
        folder: Folder of 8-bit index masks; 254 (unlabeled) and 255 (void) are no classes.
        suffix: What is behind an image id in the name of its mask.
        ids: Image ids.

    Returns:
        Classes of each image.

    Raises:
        DatasetError: An image has no mask, or a mask is no index mask.
    """
    classes = {}
    for image_id in ids:
        path = folder / f'{image_id}{suffix}'
        if not path.is_file():
            raise DatasetError(
                f"{path}: the image '{image_id}' of the list has no mask. Correct the folder of masks or --suffix, or "
                'take the image out of the list.'
            )
        counts = np.bincount(read_indices(path).ravel(), minlength=UNLABELED)[:UNLABELED]
        classes[image_id] = set(counts.nonzero()[0].tolist())
    return classes


class Summary(NamedTuple):
    """Statistics of the written masks.

    Attributes:
        images: Number of masks.
        labeled: Labeled pixels per class, ``(254,)``.
        full: Labeled pixels per class of the masks that were read.
        pixels: Number of all pixels.
    """

    images: int
    labeled: np.ndarray
    full: np.ndarray
    pixels: int


def annotate_folder(
    annotator: Annotator,
    source: Path,
    target: Path,
    suffix: str = '.png',
    workers: int = 1,
    overwrite: bool = False,
) -> Summary:
    """Annotate every mask in a folder and its subfolders; the names stay the same.

    Args:
        annotator: Makes a new mask of each.
        source: Folder of masks.
        target: Folder for the new masks.
        suffix: Suffix of the masks; other files are ignored.
        workers: Number of processes; the result does not depend on it.
        overwrite: Replace files of the same names.

    Returns:
        Statistics of the written masks.

    Raises:
        DatasetError: There are no masks, a mask is bad, or ``target`` is not empty.
    """
    names = _find_masks(source, target, suffix, overwrite)
    work = partial(_annotate_file, annotator, source, target)
    if workers > 1:
        with Pool(workers) as pool:
            counts = pool.map(work, names, chunksize=8)
    else:
        counts = [work(name) for name in names]
    labeled, full, pixels = (sum(column) for column in zip(*counts))
    return Summary(len(names), labeled, full, pixels)


def _find_masks(source: Path, target: Path, suffix: str, overwrite: bool) -> List[str]:
    """Check both folders, and list the paths of the masks relative to theirs."""
    if not source.is_dir():
        raise DatasetError(f'No folder of masks: {source.absolute()}.')
    if source.resolve() in (target.resolve(), *target.resolve().parents):
        raise DatasetError(f'{target} lies in {source}, whose masks it would mix with. Choose a folder outside.')
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise DatasetError(f'{target} is not empty. Choose another folder, or give --overwrite to replace its masks.')
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob(f'*{suffix}'))
    if not names:
        raise DatasetError(f'No file below {source.absolute()} ends in {suffix!r}. Correct the folder or --suffix.')
    return names


def _annotate_file(annotator: Annotator, source: Path, target: Path, name: str) -> tuple:
    """Write one mask; return its labeled pixels per class, those of its source, and the number of all pixels."""
    cv2.setNumThreads(0)
    mask = annotator.read(source / name)
    weak = annotator(mask, name)
    content = io.BytesIO()
    Image.fromarray(weak).save(content, format='PNG')
    replace_file(target / name, content.getvalue())
    return *(np.bincount(one.ravel(), minlength=256)[:UNLABELED] for one in (weak, mask)), mask.size
