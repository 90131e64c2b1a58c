"""Cuts a large image into overlapping tiles of one size, and says which part of each counts."""

from typing import Iterator, List, NamedTuple, Tuple


class Span(NamedTuple):
    """A tile along one side of the image; the kept parts of all tiles are the side, each pixel once."""

    start: int
    stop: int
    keep_from: int
    keep_to: int


def tile_spans(length: int, tile: int, overlap: int) -> List[Span]:
    """Cut a side into tiles of one size.

    Two neighbors share at least ``overlap`` pixels, and each keeps its half of what they share: the pixels nearest to a
    tile's border, which see least around them, are taken from the other tile.

    Args:
        length: Pixels of the side.
        tile: Pixels of a tile.
        overlap: Pixels that neighbors share at least, less than ``tile``.

    Returns:
        The tiles; a single one of ``length`` pixels if the side is not longer than a tile.

    Raises:
        ValueError: A tile is not longer than the overlap, or the overlap is negative.

    Example:
        >>> [tuple(span) for span in tile_spans(10, 6, 2)]
        [(0, 6, 0, 5), (4, 10, 5, 10)]
    """
    if not 0 <= overlap < tile:
        raise ValueError(f'tiles of {tile} pixels cannot overlap by {overlap}; it takes 0 <= overlap < tile.')
    if length <= tile:
        return [Span(0, length, 0, length)]
    last = -(-(length - tile) // (tile - overlap))  # number of the last tile; spread evenly, so none is narrow
    starts = [round(number * (length - tile) / last) for number in range(last + 1)]
    cuts = [0, *((one + tile + two) // 2 for one, two in zip(starts, starts[1:])), length]
    return [Span(start, start + tile, low, high) for start, low, high in zip(starts, cuts, cuts[1:])]


def tiles(size: Tuple[int, int], tile: int, overlap: int) -> Iterator[Tuple[Span, Span]]:
    """Yield rows and columns of every tile of an image.

    Args:
        size: Height and width.
        tile: Side of a tile in pixels.
        overlap: See :func:`tile_spans`.
    """
    for rows in tile_spans(size[0], tile, overlap):
        for columns in tile_spans(size[1], tile, overlap):
            yield rows, columns
