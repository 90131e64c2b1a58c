"""Block annotations: some square blocks of an image are fully labeled, the rest is unlabeled."""

import numpy as np

from ..structures import IGNORE_INDEX, UNLABELED


def draw_blocks(
    mask: np.ndarray, rng: np.random.RandomState, share: float, block: int = 32, void: int = IGNORE_INDEX
) -> np.ndarray:
    """Keep the labels of randomly chosen blocks of a fixed grid.

    These are the annotations of the tree energy loss (Liang et al., CVPR 2022), with shares of 10, 20 and 50 %; the
    paper of soft self-labeling compares on them. The size of the blocks is not published.

    Args:
        mask: Full index mask, ``(H, W)`` uint8.
        rng: Random generator.
        share: Share of the labeled pixels of ``mask`` to keep, in (0, 1]; exceeded by less than a block.
        block: Side of a block in pixels; blocks at the right and lower edge may be smaller.
        void: Index of pixels without a class; they are void in the result, too, inside and outside of blocks.

    Returns:
        ``(H, W)`` uint8: classes in the blocks, 254 outside, 255 where void.

    Raises:
        ValueError: ``share`` or ``block`` is out of range.
    """
    if not 0 < share <= 1 or block < 1:
        raise ValueError(f'share must be in (0, 1] and block at least 1, got {share} and {block}.')
    labeled = mask != void
    tops, lefts = np.arange(0, mask.shape[0], block), np.arange(0, mask.shape[1], block)
    counts = np.add.reduceat(np.add.reduceat(labeled.astype(np.int64), tops, axis=0), lefts, axis=1)
    order = rng.permutation(counts.size)
    enough = np.searchsorted(np.cumsum(counts.ravel()[order]), share * labeled.sum()) + 1
    chosen = np.zeros(counts.size, bool)
    chosen[order[:enough]] = True
    inside = chosen.reshape(counts.shape).repeat(block, axis=0).repeat(block, axis=1)
    result = np.where(inside[: mask.shape[0], : mask.shape[1]], mask, UNLABELED).astype(np.uint8)
    result[~labeled] = IGNORE_INDEX
    return result
