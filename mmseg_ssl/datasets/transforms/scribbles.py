"""Loading and resizing of scribble masks.

In the pipeline one uint8 map holds three kinds of pixels: classes, ``UNLABELED`` (254: image pixels that nobody
labeled) and ``IGNORE_INDEX`` (255: void and padding). So the host's crops, flips and padding keep the two apart.
``PackSemiInputs`` splits the map in two; ``scribbled_pixels`` gives a method both. Which classes the whole image has
scribbles of, ``scribbled_classes``, stays with every crop.
"""

from typing import Any, Iterator, Optional, Sequence, Tuple

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
    'scribble masks hold class indices from 0: set reduce_zero_label=False on the dataset. If 0 means unlabeled in '
    'these masks, tools/check_dataset.py then says how to rewrite them; from full masks, make them with '
    'tools/make_scribbles.py --reduce-zero-label'
)


@TRANSFORMS.register_module()
class LoadScribbles(LoadAnnotations):
    """Load a scribble mask of any dataset class; replaces ``LoadAnnotations``.

    A mask is an 8-bit index image, or an XML file of ScribbleSup (see
    :func:`~mmseg_ssl.datasets.scribblesup.draw_polylines`), recognized by its suffix. The pipeline must end with
    ``PackSemiInputs``, which takes the unlabeled pixels out of the mask.

    Args:
        unlabeled_value: Value of unlabeled pixels in the files; 254 as ``tools/make_scribbles.py`` writes them.
            ScribbleSup's index masks use 255.
        void_value: Value of ignored pixels in the files; None if there are none, as in ScribbleSup.
        classes: Names of the classes in XML files, by index; those of VOC if not given.
        width: Line width of XML files in pixels.
        **kwargs: As for ``LoadAnnotations``.

    Raises:
        ValueError: Both values are equal.

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
            content: Content of the file.
            path: Its name, for the suffix.

        Returns:
            ``(H, W)`` uint8, with the values of the file.

        Raises:
            DatasetError: An XML file is not in the form of ScribbleSup.
        """
        if path.lower().endswith('.xml'):
            return draw_polylines(content, self.classes, self.width, fill=self.unlabeled_value)
        mask = mmcv.imfrombytes(content, flag='unchanged', backend=self.imdecode_backend).astype(np.uint8)
        return mask[..., 0] if mask.shape[2:] == (1,) else mask  # not squeeze(): a mask may be one pixel high

    def problems(self, mask: np.ndarray, info: dict) -> Iterator[str]:
        """Describe what is wrong with a mask, apart from indices without a class.

        Args:
            mask: ``(H, W)`` with the values of the file.
            info: The dataset's info of the image.

        Yields:
            One message per problem, with the fix.
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
        # now: a crop loses some of them
        results['scribbled_classes'] = classes_in(results['gt_seg_map'])


def classes_in(mask: np.ndarray) -> Tuple[int, ...]:
    """Return the classes that a scribble mask shows, in their order."""
    return tuple(np.flatnonzero(np.bincount(mask[mask < UNLABELED])).tolist())


def find_scribble_loader(dataset: Any) -> Optional[LoadScribbles]:
    """Find the pipeline step that reads scribbles.

    Args:
        dataset: A built dataset.

    Returns:
        The step, or None if the dataset's masks are not scribbles.
    """
    return next((step for step in pipeline_steps(dataset) if isinstance(step, LoadScribbles)), None)


@TRANSFORMS.register_module()
class ResizeScribbles(Resize):
    """The host's ``Resize``, with the same arguments, that keeps thin scribbles when an image shrinks.

    Masks are resized by :func:`resize_scribbles`; images, and masks that grow, as in the host. For random resizing
    write ``dict(type='RandomResize', resize_type='ResizeScribbles', ...)``.
    """

    def _resize_seg(self, results: dict) -> None:
        """Resize the mask to the current size of the image."""
        if results.get('gt_seg_map') is not None:
            results['gt_seg_map'] = resize_scribbles(results['gt_seg_map'], results['img_shape'][:2])


def resize_scribbles(mask: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Resize a scribble mask by nearest neighbor, where labeled pixels win over unlabeled ones, and these over void.

    When an axis shrinks, every source pixel belongs to the target pixel that its center falls into. The target pixel
    takes the label that is nearest to its center among its labeled source pixels; without any, it is unlabeled; it is
    void only if all of them are. So every scribble keeps at least one pixel, unless one of another class is nearer to
    the center of the same target pixel. When an axis grows, this is plain nearest neighbor.

    Args:
        mask: ``(H, W)`` uint8 with classes, 254 and 255.
        size: Target height and width.

    Returns:
        ``(*size,)`` uint8; the mask itself if it already has this size.
    """
    larger = tuple(max(old, new) for old, new in zip(mask.shape, size))
    if larger != mask.shape:
        mask = mmcv.imresize(mask, larger[::-1], interpolation='nearest')
    if tuple(size) == mask.shape:
        return mask
    (tops, rows), (lefts, cols) = (_footprints(old, new) for old, new in zip(mask.shape, size))
    # best = smallest (rank, distance, row, column), packed into one number; first within each column, then each row.
    # So ties in distance go to the first pixel in reading order, not to the smaller class.
    best = RANK[mask] + (rows << 16 | np.arange(len(rows)))[:, None].astype(np.int32)
    best = np.minimum.reduceat(best, tops, axis=0).T.astype(np.int64)  # (W, h)
    best += cols[:, None] << 16  # the two distances add up, below the rank
    best = np.minimum.reduceat(best << 16 | np.arange(len(cols))[:, None], lefts, axis=0).T
    return mask[best >> 16 & 0xFFFF, best & 0xFFFF]


RANK = np.zeros(256, np.int32)
RANK[[UNLABELED, IGNORE_INDEX]] = 1 << 26, 2 << 26


def _footprints(old: int, new: int) -> tuple:
    """Return, along a shrinking axis, the first source pixel of each target pixel, and each source pixel's squared
    distance from the center of its target pixel, 0 to 256 (half the side of a target pixel).
    """
    centers = (np.arange(old) + 0.5) * new / old
    starts = np.searchsorted(np.floor(centers), np.arange(new))
    return starts, np.rint(1024 * (centers % 1 - 0.5) ** 2).astype(np.int64)
