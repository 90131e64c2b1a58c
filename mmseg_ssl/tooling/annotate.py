"""Makes a folder of scribble or block masks from a folder of full masks."""

import hashlib
import io
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

import cv2
import numpy as np
from PIL import Image

from ..datasets.blocks import draw_blocks
from ..datasets.strokes import draw_scribbles
from ..errors import DatasetError
from ..structures import IGNORE_INDEX, UNLABELED
from ..utils.atomic_files import replace_file
from ..utils.choices import one_of
from ..utils.random import fold

KINDS = ('scribble', 'block')


class WeakAnnotator(NamedTuple):
    """Turns full masks into weak ones; the result depends only on these settings, the mask and its name.

    Attributes:
        kind: ``scribble`` (see :func:`draw_scribbles`) or ``block`` (see :func:`draw_blocks`).
        ratio: Share of the strokes' length; 0 is a click.
        width: Width of strokes in pixels.
        min_area: Regions of fewer pixels get no stroke.
        share: Share of labeled pixels in blocks.
        block: Side of a block in pixels.
        seed: Seed; every file has its own random stream.
        ignore_index: Void value of the full masks; it becomes 255 in the weak ones.
        num_classes: If given, any other index in a mask is an error.
        classes: Classes to keep; all by default.
        reduce_zero_label: Masks as in ADE20K, where 0 is void and k is class k - 1; the weak ones start from 0.
        drop_void: Write void pixels as unlabeled: an annotator who only scribbles does not know them, and on VOC they
            reveal the outlines of objects.
    """

    kind: str = 'scribble'
    ratio: float = 1.0
    width: int = 3
    min_area: int = 100
    share: float = 0.1
    block: int = 32
    seed: int = 0
    ignore_index: int = IGNORE_INDEX
    num_classes: Optional[int] = None
    classes: Optional[Tuple[int, ...]] = None
    reduce_zero_label: bool = False
    drop_void: bool = False

    def __call__(self, mask: np.ndarray, name: str) -> np.ndarray:
        """Annotate one image.

        Args:
            mask: Full index mask, ``(H, W)`` uint8, void 255.
            name: Path of the mask below its folder, with ``/``.

        Returns:
            ``(H, W)`` uint8: classes, 254 unlabeled, 255 void.
        """
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), 'big')
        rng = np.random.RandomState(fold(self.seed, number) % 2**32)
        if one_of(KINDS, kind=self.kind) == 'scribble':
            weak = draw_scribbles(mask, rng, self.ratio, self.width, self.min_area, self.classes)
        else:
            weak = draw_blocks(mask, rng, self.share, self.block)
            if self.classes is not None:
                weak[np.isin(weak, [*self.classes, IGNORE_INDEX], invert=True)] = UNLABELED
        if self.drop_void:
            weak[weak == IGNORE_INDEX] = UNLABELED
        return weak

    def read(self, path: Path) -> np.ndarray:
        """Read a full mask.

        Args:
            path: An 8-bit index image, palettes included.

        Returns:
            ``(H, W)`` uint8, void 255.

        Raises:
            DatasetError: It is not an index mask, or holds an index without a class.
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
        void = mask == self.ignore_index
        if self.reduce_zero_label:
            void |= mask == 0
            mask -= 1
        mask[void] = IGNORE_INDEX
        limit = UNLABELED if self.num_classes is None else self.num_classes
        bad = np.setdiff1d(mask[mask >= limit], [IGNORE_INDEX]) + self.reduce_zero_label
        if bad.size:
            raise DatasetError(
                f'{path}: holds the index {", ".join(map(str, bad[:8]))}, expected classes below {limit} and '
                f'{self.ignore_index} for void. Correct --num-classes or --ignore-index, or the mask.'
            )
        return mask


class Summary(NamedTuple):
    """Statistics of the written masks.

    Attributes:
        images: Number of masks.
        labeled: Labeled pixels per class, ``(254,)``.
        full: Labeled pixels per class of the full masks.
        pixels: Number of all pixels.
    """

    images: int
    labeled: np.ndarray
    full: np.ndarray
    pixels: int


def annotate_folder(
    annotator: WeakAnnotator,
    source: Path,
    target: Path,
    suffix: str = '.png',
    workers: int = 1,
    overwrite: bool = False,
) -> Summary:
    """Annotate every mask in a folder and its subfolders; the names stay the same.

    Args:
        annotator: The settings.
        source: Folder of full masks.
        target: Folder for the weak masks.
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


def _annotate_file(annotator: WeakAnnotator, source: Path, target: Path, name: str) -> tuple:
    """Write one mask; return its labeled pixels per class, those of the full mask, and the number of all pixels."""
    cv2.setNumThreads(0)
    mask = annotator.read(source / name)
    weak = annotator(mask, name)
    content = io.BytesIO()
    Image.fromarray(weak).save(content, format='PNG')
    replace_file(target / name, content.getvalue())
    return *(np.bincount(one.ravel(), minlength=256)[:UNLABELED] for one in (weak, mask)), mask.size
