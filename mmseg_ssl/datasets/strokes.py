"""Draws scribbles as a person would: one stroke along the middle of every region."""

from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from ..structures import IGNORE_INDEX, UNLABELED

GRID = 48  # cells along the longer side of a region; searching paths on all pixels takes a second per large region
EROSION = 0.5  # share of the greatest depth: people avoid rims and corners; gives about 3 % of CamVid's pixels a label
CENTERING = 8.0  # extra cost of a step at the rim, relative to one in the middle


def draw_scribbles(
    mask: np.ndarray,
    rng: np.random.RandomState,
    ratio: float = 1.0,
    width: int = 3,
    min_area: int = 100,
    classes: Optional[Sequence[int]] = None,
    void: int = IGNORE_INDEX,
) -> np.ndarray:
    """Draw one stroke into every region (8-connected component of a class) of a full mask.

    The stroke connects the two points of the eroded region that are farthest apart, and runs along the middle. It never
    leaves its region. A shorter stroke is part of every longer one, as in the shortened ScribbleSup scribbles of Marin
    and Boykov (ICCV 2021).

    Args:
        mask: Full index mask, ``(H, W)`` uint8.
        rng: Random generator, for the wobble of the strokes.
        ratio: Share of the stroke's length that is kept, around its middle, in [0, 1]; 0 is a click, a single dot.
        width: Width of strokes in pixels.
        min_area: Regions of fewer pixels are left out.
        classes: Classes that get strokes; all by default.
        void: Index of pixels without a class.

    Returns:
        ``(H, W)`` uint8: classes on the strokes, 254 elsewhere, 255 where void.

    Raises:
        ValueError: ``ratio`` or ``width`` is out of range.
    """
    if not 0 <= ratio <= 1 or width < 1:
        raise ValueError(f'ratio must be in [0, 1] and width at least 1, got {ratio} and {width}.')
    result = np.where(mask == void, IGNORE_INDEX, UNLABELED).astype(np.uint8)
    for label in np.setdiff1d(np.unique(mask), [void]):
        if classes is not None and label not in classes:
            continue
        count, regions, stats, _ = cv2.connectedComponentsWithStats((mask == label).astype(np.uint8), connectivity=8)
        for number in range(1, count):
            x, y, w, h, area = stats[number]
            if area >= max(min_area, 1):
                region = regions[y : y + h, x : x + w] == number
                result[y : y + h, x : x + w][_stroke(region, rng, ratio, width)] = label
    return result


def _stroke(region: np.ndarray, rng: np.random.RandomState, ratio: float, width: int) -> np.ndarray:
    """Return the pixels (H, W) of a region that its stroke covers; at least one."""
    points = _smooth_and_resample(_medial_path(region, rng), region)
    middle = (len(points) - 1) // 2
    first, last = int(middle * (1 - ratio)), int(np.ceil(middle + (len(points) - 1 - middle) * ratio))
    drawn = np.zeros(region.shape, np.uint8)
    drawn[tuple(points[first : last + 1].T)] = 1
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return (cv2.dilate(drawn, pen) > 0) & region


def _smooth_and_resample(path: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Smooth a path (N, 2) and sample it at every half pixel; points outside of the region are dropped."""
    padded = np.pad(path.astype(float), ((2, 2), (0, 0)), mode='edge')
    smooth = np.mean([padded[shift : shift + len(path)] for shift in range(5)], axis=0)
    smooth[[0, -1]] = path[[0, -1]]
    outside = ~region[tuple(np.rint(smooth).astype(int).T)]
    smooth[outside] = path[outside]
    lengths = np.r_[0, np.hypot(*np.diff(smooth, axis=0).T).cumsum()]
    steps = np.linspace(0, lengths[-1], int(2 * lengths[-1]) + 1)
    points = np.stack([np.interp(steps, lengths, axis) for axis in smooth.T], axis=1)
    points = np.rint(points).astype(int)
    inside = region[tuple(points.T)]
    return points[inside] if inside.any() else path[:1]


def _medial_path(region: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Return pixels (N, 2) of the region from one far end to the other, through the middle."""
    nodes, depth = _ridge_nodes(region)
    ends, lengths = _grid_edges(nodes, region)
    rows, cols = nodes[nodes[..., 0] >= 0].T
    deep = depth[rows, cols] / depth.max()
    wobble = rng.uniform(0.7, 1.3, len(rows))
    cost = (1 + CENTERING * (1 - deep) ** 2) * wobble
    plain = csr_matrix((lengths, tuple(ends)), shape=(len(rows), len(rows)))
    medial = csr_matrix((lengths * (cost[ends[0]] + cost[ends[1]]), tuple(ends)), shape=plain.shape)
    # The node farthest from any node is one end of a longest path, and the node farthest from that is the other end.
    start = _farthest(plain, int(deep.argmax()))
    node = _farthest(plain, start)
    _, parents = dijkstra(medial, directed=False, indices=start, return_predecessors=True)
    path = [node]
    while path[-1] != start:
        path.append(parents[path[-1]])
    return np.stack([rows[path], cols[path]], axis=1)


def _farthest(graph: csr_matrix, node: int) -> int:
    """Return the farthest of the nodes that can be reached from one."""
    distance = dijkstra(graph, directed=False, indices=node)
    return int(np.where(np.isfinite(distance), distance, -1).argmax())


def _ridge_nodes(region: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return the deepest pixel of every grid cell, (rows, cols, 2), -1 where all are near the rim; and the depth."""
    depth = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    side = -(-max(region.shape) // GRID)
    padded = np.pad(depth, [(0, -size % side) for size in region.shape])
    height, cells = padded.shape[0] // side, padded.shape[1] // side
    blocks = padded.reshape(height, side, cells, side).swapaxes(1, 2).reshape(height, cells, -1)
    row, col = np.divmod(blocks.argmax(-1), side)
    nodes = np.stack([row + side * np.arange(height)[:, None], col + side * np.arange(cells)], axis=-1)
    nodes[blocks.max(-1) < EROSION * depth.max()] = -1
    return nodes, depth


def _grid_edges(nodes: np.ndarray, region: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return pairs (2, E) of nodes in neighboring cells with the region between them, and their distances (E)."""
    kept = nodes[..., 0] >= 0
    numbers = np.cumsum(kept).reshape(kept.shape) - 1
    ends, lengths = [], []
    for one, other in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        both = kept[one] & kept[other]
        a, b = nodes[one][both], nodes[other][both]
        joined = region[tuple(((a + b) // 2).T)]
        ends.append(np.stack([numbers[one][both], numbers[other][both]])[:, joined])
        lengths.append(np.hypot(*(a - b).T.astype(float))[joined])
    return np.concatenate(ends, axis=1), np.concatenate(lengths)
