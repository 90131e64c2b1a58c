"""Makes weak annotations, scribbles or blocks, from full masks."""

import hashlib
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

import numpy as np

from ..datasets.blocks import draw_blocks
from ..datasets.strokes import draw_scribbles
from ..errors import DatasetError
from ..structures import IGNORE_INDEX, UNLABELED
from ..utils.choices import one_of
from ..utils.random import fold
from .mask_folders import read_indices

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
        mask = read_indices(path)
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
