"""Scribble masks between the file and the batch.

In the pipeline one uint8 map holds three kinds of pixels: classes, ``UNLABELED`` (254: image that nobody labeled) and
``IGNORE_INDEX`` (255: void, and what transforms pad with). So crops, flips and padding of the host keep the two apart
as they are. ``PackSemiInputs`` divides the map in two; ``scribbled_pixels`` gives a method both.
"""

from typing import Any, Iterator, Optional, Sequence

import mmcv
import numpy as np
from mmcv.transforms import Resize
from mmengine import fileio
from mmseg.datasets import PascalVOCDataset
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from ...errors import DatasetError
from ...structures import IGNORE_INDEX, UNLABELED
from ..pipelines import pipeline_steps
from ..scribblesup import draw_polylines

FROM_ZERO = (
    'scribble masks hold class indices from 0: set reduce_zero_label=False on the dataset, and make the masks with '
    'tools/make_scribbles.py --reduce-zero-label'
)


@TRANSFORMS.register_module()
class LoadScribbles(LoadAnnotations):
    """Load a scribble mask of any dataset class, in the place of ``LoadAnnotations``.

    A mask is an 8-bit index image, or an XML file of ScribbleSup (see
    :func:`~mmseg_ssl.datasets.scribblesup.draw_polylines`), told by its suffix. The pipeline ends with
    ``PackSemiInputs``, which takes the unlabeled pixels out of the mask.

    Args:
        unlabeled_value: Value in the files of pixels that nobody labeled; 254 as ``tools/make_scribbles.py`` writes
            them. ScribbleSup's index masks use 255.
        void_value: Value in the files of pixels that are to be ignored; None if there is none, as in ScribbleSup.
        classes: Names of the classes in XML files, by index; those of VOC if not given.
        width: Width in pixels of the lines of XML files.
        **kwargs: As for ``LoadAnnotations``.

    Raises:
        ValueError: One value means both.

    Example:
        >>> load = LoadScribbles(unlabeled_value=255, void_value=None)  # the index masks of ScribbleSup
    """

    def __init__(
        self,
        unlabeled_value: int = UNLABELED,
        void_value: Optional[int] = IGNORE_INDEX,
        classes: Optional[Sequence[str]] = None,
        width: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if unlabeled_value == void_value:
            raise ValueError(
                f'unlabeled_value and void_value are both {void_value}. Give void_value=None if the masks have no void.'
            )
        self.file_values = {unlabeled_value} | (set() if void_value is None else {void_value})
        self.unlabeled_value = unlabeled_value
        self.classes = list(classes or PascalVOCDataset.METAINFO['classes'])
        self.width = width
        self.codes = np.arange(256, dtype=np.uint8)
        if void_value is not None:
            self.codes[void_value] = IGNORE_INDEX
        self.codes[unlabeled_value] = UNLABELED

    def decode(self, content: bytes, path: str) -> np.ndarray:
        """Decode a file.

        Args:
            content: The file.
            path: Its name, for the suffix.

        Returns:
            ``(H, W)`` uint8, with the values of the file.

        Raises:
            DatasetError: An XML file is not one of ScribbleSup.
        """
        if path.lower().endswith('.xml'):
            return draw_polylines(content, self.classes, self.width, fill=self.unlabeled_value)
        mask = mmcv.imfrombytes(content, flag='unchanged', backend=self.imdecode_backend).astype(np.uint8)
        return mask[..., 0] if mask.shape[2:] == (1,) else mask  # not squeeze(): a mask may be one pixel high

    def problems(self, mask: np.ndarray, info: dict) -> Iterator[str]:
        """What speaks against a mask, apart from indices that are no class.

        Args:
            mask: ``(H, W)`` with the values of the file.
            info: What the dataset says of the image.

        Yields:
            What is wrong, and the fix.
        """
        if info.get('reduce_zero_label'):
            yield FROM_ZERO
        void = np.isin(mask, list(self.file_values))
        if self.unlabeled_value not in mask and void.mean() > 0.5:
            yield (
                f'no pixel is unlabeled (index {self.unlabeled_value}) and most are void. If void means unlabeled '
                'here, as in ScribbleSup, write LoadScribbles with unlabeled_value=255, void_value=None'
            )

    def _load_seg_map(self, results: dict) -> None:
        """Load the mask and translate its values."""
        if results.get('reduce_zero_label'):
            raise DatasetError(FROM_ZERO)
        path = results['seg_map_path']
        values = self.decode(fileio.get(path, backend_args=self.backend_args), path)
        codes = self.codes.copy()
        for old, new in (results.get('label_map') or {}).items():
            codes[old] = new
        results['gt_seg_map'] = codes[values]
        results['seg_fields'].append('gt_seg_map')
        results['scribbled'] = True


def find_scribble_loader(dataset: Any) -> Optional[LoadScribbles]:
    """What reads the masks of a dataset, if they are scribbles.

    Args:
        dataset: A built dataset.

    Returns:
        The step of its pipeline, or None.
    """
    return next((step for step in pipeline_steps(dataset) if isinstance(step, LoadScribbles)), None)


@TRANSFORMS.register_module()
class ResizeScribbles(Resize):
    """The host's ``Resize``, which does not lose thin scribbles when an image shrinks.

    The mask is resized by :func:`resize_scribbles`; images, and masks that grow, as in the host. Random resizing:
    ``dict(type='RandomResize', resize_type='ResizeScribbles', ...)``. The arguments are those of ``Resize``.
    """

    def _resize_seg(self, results: dict) -> None:
        """Resize the mask to the size that the image has now."""
        if results.get('gt_seg_map') is not None:
            results['gt_seg_map'] = resize_scribbles(results['gt_seg_map'], results['img_shape'][:2])


def resize_scribbles(mask: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Resize a scribble mask by nearest neighbour, where labeled pixels go before unlabeled, and these before void.

    When an axis shrinks, every source pixel belongs to the target pixel that its center falls into. The target pixel
    takes the label that is nearest to its center among the labeled ones of its source pixels; without any, it is
    unlabeled; void only if all of them are. So every scribble keeps at least one pixel, unless one of another class
    is nearer to the center of the same target pixel. When an axis grows, this is nearest neighbour.

    Args:
        mask: ``(H, W)`` uint8 with classes, 254 and 255.
        size: Height and width wanted.

    Returns:
        ``(*size,)`` uint8; the mask itself if it has this size already.
    """
    larger = tuple(max(old, new) for old, new in zip(mask.shape, size))
    if larger != mask.shape:
        mask = mmcv.imresize(mask, larger[::-1], interpolation='nearest')
    if tuple(size) == mask.shape:
        return mask
    (tops, rows), (lefts, cols) = (_footprints(old, new) for old, new in zip(mask.shape, size))
    # best = smallest (rank, distance, row, column), packed into one number; first of each column, then of each row.
    # Ties in distance so go to the first in reading order, not to the smaller class.
    best = RANK[mask] + (rows << 16 | np.arange(len(rows)))[:, None].astype(np.int32)
    best = np.minimum.reduceat(best, tops, axis=0).T.astype(np.int64)  # (W, h)
    best += cols[:, None] << 16  # the two distances add up, below the rank
    best = np.minimum.reduceat(best << 16 | np.arange(len(cols))[:, None], lefts, axis=0).T
    return mask[best >> 16 & 0xFFFF, best & 0xFFFF]


RANK = np.zeros(256, np.int32)
RANK[[UNLABELED, IGNORE_INDEX]] = 1 << 26, 2 << 26


def _footprints(old: int, new: int) -> tuple:
    """Along an axis that shrinks: first source pixel of each target pixel; and each source pixel's squared distance
    from the center of its target pixel, 0 to 256 for half the side of a target pixel.
    """
    centers = (np.arange(old) + 0.5) * new / old
    starts = np.searchsorted(np.floor(centers), np.arange(new))
    return starts, np.rint(1024 * (centers % 1 - 0.5) ** 2).astype(np.int64)
