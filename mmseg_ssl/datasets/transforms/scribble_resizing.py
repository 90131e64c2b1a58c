"""Resizing of scribble masks, which keeps thin lines."""

from typing import Sequence

import mmcv
import numpy as np
from mmcv.transforms import Resize
from mmseg.registry import TRANSFORMS

from ...structures import IGNORE_INDEX, UNLABELED


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
