"""Regions as COCO's run lengths, column by column, beginning with the pixels outside."""

from typing import List, Sequence, Tuple

import numpy as np


def run_lengths(inside: np.ndarray) -> List[int]:
    """Encode a region: numbers of pixels outside, inside, outside, ... column by column.

    Args:
        inside: ``(H, W)`` bool.

    Example:
        >>> run_lengths(np.array([[False, True], [True, True]]))
        [1, 3]
    """
    flat = inside.ravel(order='F')
    borders = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *borders.tolist(), flat.size]).tolist()
    return [0, *lengths] if flat[0] else lengths


def from_run_lengths(lengths: Sequence[int], size: Tuple[int, int]) -> np.ndarray:
    """Decode a region ``(H, W)`` bool; the inverse of :func:`run_lengths`.

    Raises:
        ValueError: The lengths are not those of an image of this size.
    """
    counts = np.asarray(lengths, np.int64)
    pixels = size[0] * size[1]
    if (counts < 0).any() or (counts > pixels).any() or counts.sum() != pixels:
        raise ValueError(f'run lengths of {counts.sum()} pixels, the image has {pixels}')
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(size, order='F')


def decompressed(text: str) -> List[int]:
    """Return the run lengths of COCO's compressed text.

    Each number is written in digits of 5 bits from the lowest, as characters from ``'0'``, with a sixth bit where more
    follow; the sign is the highest bit of the last digit. From the fourth on, a number is the difference to the one two
    places before.

    Example:
        >>> decompressed('13')
        [1, 3]
    """
    lengths: List[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    return lengths
