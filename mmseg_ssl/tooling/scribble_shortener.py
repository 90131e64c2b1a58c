"""Shortens the scribbles of a folder of masks."""

from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from ..datasets.shorter_scribbles import shorten_scribbles
from ..errors import DatasetError
from ..structures import UNLABELED
from .mask_folders import read_indices


class ScribbleShortener(NamedTuple):
    """Turns masks of scribbles into masks of shorter ones, in the same form.

    Attributes:
        ratio: Share of each scribble's length that stays, see :func:`shorten_scribbles`.
        unlabeled: Index of pixels without a scribble: 254, or 255 in ScribbleSup's masks.
        num_classes: If given, any other class in a mask is an error.
    """

    ratio: float
    unlabeled: int = UNLABELED
    num_classes: Optional[int] = None

    def __call__(self, mask: np.ndarray, name: str) -> np.ndarray:
        """Shorten the scribbles of one image, ``(H, W)`` uint8."""
        return shorten_scribbles(mask, self.ratio, self.unlabeled)

    def read(self, path: Path) -> np.ndarray:
        """Read a mask of scribbles.

        Args:
            path: An 8-bit index image, palettes included.

        Returns:
            ``(H, W)`` uint8, the indices of the file.

        Raises:
            DatasetError: It is not an index mask, has no pixel without a scribble, or holds an index without a class.
        """
        mask = read_indices(path)
        if self.unlabeled not in mask:
            other = 254 + 255 - self.unlabeled
            raise DatasetError(
                f'{path}: no pixel is unlabeled (index {self.unlabeled}), so these are no scribbles. Give '
                f'--unlabeled-value {other} if that is their index, or draw scribbles from full masks with '
                'tools/make_scribbles.py.'
            )
        limit = UNLABELED if self.num_classes is None else self.num_classes
        bad = np.unique(mask[(mask >= limit) & (mask < UNLABELED)])
        if bad.size:
            raise DatasetError(
                f'{path}: holds the index {", ".join(map(str, bad[:8]))}, expected classes below {limit} and '
                f'{self.unlabeled} for unlabeled. Correct --num-classes, or the mask.'
            )
        return mask
