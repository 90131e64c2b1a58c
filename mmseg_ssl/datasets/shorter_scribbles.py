"""Shortens scribbles that somebody drew, about their middle."""

import cv2
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from ..structures import UNLABELED

NEIGHBORS = (
    (np.s_[:, :-1], np.s_[:, 1:], 1.0),
    (np.s_[:-1], np.s_[1:], 1.0),
    (np.s_[:-1, :-1], np.s_[1:, 1:], 2**0.5),
    (np.s_[:-1, 1:], np.s_[1:, :-1], 2**0.5),
)
"""Pixels of a pair, and their distance."""


def shorten_scribbles(mask: np.ndarray, ratio: float, unlabeled: int = UNLABELED) -> np.ndarray:
    """Keep a share of the length of every scribble (8-connected component of a class), around its middle.

    The middle is halfway along the longest path in the scribble. The pixels nearest to it along the scribble stay, as
    many as the share says: of a line of even width the share of its length, of one with branches or of a ring the share
    of all of its length. At 0 a dot as wide as the line stays, a click. A shorter scribble is part of every longer one.

    Args:
        mask: Index mask of scribbles, ``(H, W)`` uint8: classes below 254.
        ratio: Share of the length, in [0, 1]; 1 changes nothing.
        unlabeled: Index of pixels without a scribble; the other one of 254 and 255, if there is any, is void and stays.

    Returns:
        ``(H, W)`` uint8, of the same indices.

    Raises:
        ValueError: ``ratio`` is out of range.
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f'ratio must be in [0, 1], got {ratio}.')
    result = mask.copy()
    for label in np.unique(mask[mask < UNLABELED]):
        count, regions, stats, _ = cv2.connectedComponentsWithStats((mask == label).astype(np.uint8), connectivity=8)
        for number in range(1, count):
            x, y, w, h, _ = stats[number]
            line = regions[y : y + h, x : x + w] == number
            result[y : y + h, x : x + w][line & ~_shortened(line, ratio)] = unlabeled
    return result


def _shortened(line: np.ndarray, ratio: float) -> np.ndarray:
    """Return the pixels (H, W) of one scribble that stay."""
    graph = _pixel_graph(line)
    depth = cv2.distanceTransform(np.pad(line, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1][line]
    middle = _middle(graph, depth)
    distance = dijkstra(graph, directed=False, indices=middle)
    last = np.sort(distance)[max(round(ratio * len(distance)), 1) - 1]
    kept = np.zeros_like(line)
    kept[line] = distance <= max(last, depth[middle] - 0.5)  # depth is measured to the pixel beside the line
    return kept


def _middle(graph: csr_matrix, depth: np.ndarray) -> int:
    """Return the deepest of the pixels halfway between the ends of the longest path."""
    ends = []
    start = 0
    for _ in range(3):  # the farthest pixel from any pixel is one end, and the farthest from that the other one
        distance = dijkstra(graph, directed=False, indices=start)
        start = int(distance.argmax())
        ends.append(distance)
    farther = np.maximum(*ends[1:])
    halfway = farther <= farther.min() + 0.75  # across the line, not only along its rim
    return int(np.where(halfway, depth, -1).argmax())


def _pixel_graph(line: np.ndarray) -> csr_matrix:
    """Return the distances between neighboring pixels of a scribble, in reading order."""
    numbers = np.cumsum(line).reshape(line.shape) - 1
    pairs, lengths = [], []
    for one, other, length in NEIGHBORS:
        both = line[one] & line[other]
        pairs.append(np.stack([numbers[one][both], numbers[other][both]]))
        lengths.append(np.full(int(both.sum()), length))
    size = int(line.sum())
    return csr_matrix((np.concatenate(lengths), tuple(np.concatenate(pairs, axis=1))), shape=(size, size))
