"""Offline pseudo-labels on disk: ``masks/<id>.png`` and ``confidence/<id>.png``, both 8-bit and written in one step."""

from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, Dict, List, Sequence, Tuple, Union

import cv2
import numpy as np

from ..errors import DatasetError
from ..structures import IGNORE_INDEX

MAP_KINDS = ('masks', 'confidence')


def label_path(folder: Union[str, Path], kind: str, image_id: str) -> Path:
    """Return the path of one map of an image.

    Args:
        folder: Folder that ``tools/pseudo_label.py`` wrote.
        kind: ``'masks'`` or ``'confidence'``.
        image_id: Path of the image below its folder, without suffix.

    Raises:
        DatasetError: The id leads out of the folder.
    """
    parts = image_id.replace('\\', '/').split('/')
    if '..' in parts or Path(image_id).is_absolute() or PureWindowsPath(image_id).drive:
        raise DatasetError(
            f'the image id {image_id!r} leads out of the folder of images, so its label would be outside of {folder}. '
            'Write paths below the folder of images, or give the folder that holds all of them.'
        )
    return Path(folder, kind, f'{image_id}.png')


def check_label_folders(images: Union[str, Path], folder: Union[str, Path], image_ids: Sequence[str]) -> None:
    """Make sure that no label would overwrite an image or another label, before anything is written.

    Args:
        images: Folder of the images.
        folder: Folder for the labels.
        image_ids: Ids of the images.

    Raises:
        DatasetError: One would; says which folder to give.
    """
    source, target = Path(images).resolve(), Path(folder).resolve()
    if target == source or source in target.parents:
        raise DatasetError(
            f'{folder} is the folder of images {images} or lies in it, so masks would be taken for images by the next '
            'run. Give a folder outside.'
        )
    for kind in (*MAP_KINDS, 'reliability'):
        inner = (target / kind).resolve()
        if source == inner or inner in source.parents:
            raise DatasetError(f'{images} lies in {inner}, where labels are written. Give another folder for them.')
    known = set(image_ids)
    for image_id in image_ids:
        label_path(folder, 'masks', image_id)
        clash = next((str(up)[:-4] for up in PurePath(image_id).parents if up.suffix == '.png'), None)
        if clash in known:
            raise DatasetError(
                f'the mask of {clash} is {clash}.png, which is the folder of {image_id}. Rename one of them.'
            )


def is_labeled(folder: Union[str, Path], image_id: str) -> bool:
    """Check if an image has both maps; since each is written in one step, it is complete if it exists."""
    return all(label_path(folder, kind, image_id).is_file() for kind in MAP_KINDS)


def read_label(mask: Union[str, Path], confidence: Union[str, Path]) -> Tuple[np.ndarray, np.ndarray]:
    """Read both maps of an image.

    Returns:
        Classes ``(H, W)`` uint8 and confidence ``(H, W)`` uint8.

    Raises:
        DatasetError: One is not an 8-bit map with one channel, or their sizes differ.
    """
    maps = []
    for path in (mask, confidence):
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if values is None or values.dtype != np.uint8 or values.ndim != 2:
            raise DatasetError(
                f'{path}: not an 8-bit map with one channel. Remove it, and run tools/pseudo_label.py again.'
            )
        maps.append(values)
    if maps[0].shape != maps[1].shape:
        sizes = f'{maps[0].shape} and {maps[1].shape}'
        raise DatasetError(
            f'{mask} and its confidence have different sizes, {sizes}. Remove both, and run tools/pseudo_label.py '
            'again.'
        )
    return maps[0], maps[1]


def summarize(folder: Union[str, Path], image_ids: Sequence[str], classes: Sequence[str]) -> Dict[str, Any]:
    """Count the labels in the files.

    Args:
        folder: Root of the maps.
        image_ids: Images to count.
        classes: Names of the classes.

    Returns:
        ``images``, ``kept`` (share of pixels that have a class), ``mean_confidence`` (of all pixels) and ``classes``
        (share of each among the kept pixels).
    """
    counts, confidence, pixels = np.zeros(IGNORE_INDEX + 1, np.int64), 0, 0
    for image_id in image_ids:
        label, sure = read_label(*(label_path(folder, kind, image_id) for kind in MAP_KINDS))
        counts += np.bincount(label.ravel(), minlength=len(counts))
        confidence, pixels = confidence + int(sure.sum(dtype=np.int64)), pixels + sure.size
    kept = pixels - int(counts[IGNORE_INDEX])
    shares: List[float] = [float(count) / max(kept, 1) for count in counts[: len(classes)]]
    return dict(
        images=len(image_ids),
        kept=kept / pixels,
        mean_confidence=confidence / 255 / pixels,
        classes=dict(zip(classes, shares)),
    )
