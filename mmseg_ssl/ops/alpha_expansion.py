"""Alpha-expansion (Boykov, Veksler & Zabih, PAMI 2001) for the Potts model on a pixel grid, by PyMaxflow."""

from typing import Any, List, Sequence, Tuple

import numpy as np

MISSING = (
    'Hard self-labeling by graph cut needs PyMaxflow, which is not installed. Install the extra: '
    'pip install mmseg_ssl[graphcut]'
)


def alpha_expansion(
    unary: np.ndarray,
    weights: Sequence[np.ndarray],
    ends: Sequence[Tuple[np.ndarray, np.ndarray]],
    max_iterations: int = 5,
) -> np.ndarray:
    r"""Minimize :math:`\sum_i u_i(l_i) + \sum_{ij} w_{ij} [l_i \ne l_j]` over hard labels.

    A move lets every pixel keep its label or take class :math:`\alpha`; the best such move is a minimum cut. Moves over
    all classes are repeated until none lowers the energy. All pixels start with the single class of least total cost,
    so two classes are solved exactly by the first move; more classes end within twice the optimum.

    Args:
        unary: ``(C, N)``, :math:`u_i(c)`; infinite where a pixel may not take a class. Each pixel has a finite one.
        weights: For each direction of edges, ``(E,)``, at least 0.
        ends: For each direction, the two pixels of every edge.
        max_iterations: Largest number of rounds over all classes.

    Returns:
        ``(N,)`` int64 labels.

    Raises:
        ModuleNotFoundError: If PyMaxflow is not installed; names the extra.
    """
    near, far = (np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    weight = np.concatenate(list(weights)).astype(np.float64)
    linked = weight > 0
    near, far, weight = near[linked], far[linked], weight[linked]
    costs = _finite(unary.astype(np.float64), weight)
    pixels = np.arange(costs.shape[1])
    labels = np.full(costs.shape[1], costs.sum(axis=1).argmin())
    # where only one class is possible there is nothing to choose
    fixed = np.isfinite(unary).sum(axis=0) == 1
    labels[fixed] = np.isfinite(unary[:, fixed]).argmax(axis=0)
    energy = potts_energy(costs, labels, weight, near, far)
    for _ in range(max_iterations):
        before = energy
        for alpha in np.flatnonzero(np.isfinite(unary).any(axis=1)):
            if (labels == alpha).all():
                continue
            moved = np.where(_expands(costs, labels, alpha, weight, near, far, pixels), alpha, labels)
            value = potts_energy(costs, moved, weight, near, far)
            if value < energy:
                labels, energy = moved, value
        if energy == before:
            break
    return labels


def potts_energy(unary: np.ndarray, labels: np.ndarray, weight: np.ndarray, near: np.ndarray, far: np.ndarray) -> float:
    """Compute the energy that :func:`alpha_expansion` minimizes.

    Args:
        unary: ``(C, N)``.
        labels: ``(N,)``.
        weight: ``(E,)``.
        near: ``(E,)``, one pixel of every edge.
        far: ``(E,)``, the other.

    Returns:
        Its value.
    """
    return float(unary[labels, np.arange(len(labels))].sum() + weight[labels[near] != labels[far]].sum())


def _finite(unary: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Replace infinite costs by more than all other costs together, which flows can be computed with."""
    finite = np.isfinite(unary)
    bound = 1 + np.abs(unary[finite]).sum() + weight.sum()
    return np.where(finite, unary, bound)


def _expands(
    unary: np.ndarray,
    labels: np.ndarray,
    alpha: int,
    weight: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
    pixels: np.ndarray,
) -> np.ndarray:
    r"""Find the pixels that take class alpha in the best move, (N,) bool.

    An edge costs A if both ends keep their labels, B or C if the far or the near one alone takes alpha, and 0 if both
    do; as :math:`A + (C - A) x_i - C x_j + (B + C - A) (1 - x_i) x_j` that is a unary part and one directed arc.
    """
    graph = _graph(len(pixels), len(weight))
    graph.add_nodes(len(pixels))
    # A, B and C of the docstring
    keep, take_far, take_near = (
        weight * (one != other)
        for one, other in ((labels[near], labels[far]), (labels[near], alpha), (alpha, labels[far]))
    )
    # what taking alpha costs more than keeping the label; source or sink by its sign
    take = unary[alpha] - unary[labels, pixels]
    take += np.bincount(near, take_near - keep, len(pixels)) - np.bincount(far, take_near, len(pixels))
    graph.add_grid_tedges(pixels, take.clip(min=0), (-take).clip(min=0))
    graph.add_edges(near, far, take_far + take_near - keep, np.zeros_like(weight))
    graph.maxflow()
    return np.asarray(graph.get_grid_segments(pixels), dtype=bool)


def _graph(nodes: int, edges: int) -> Any:
    """Return an empty graph of PyMaxflow, an extra that is imported only when it is needed."""
    try:
        import maxflow
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING) from error
    return maxflow.GraphFloat(nodes, edges)


def grid_edges(size: Tuple[int, int], offsets: Sequence[Tuple[int, int]]) -> List[Tuple[np.ndarray, np.ndarray]]:
    """Number the pixels at the ends of the edges of a grid.

    Args:
        size: ``(H, W)``.
        offsets: Directions ``(rows, columns)`` with ``rows >= 0``.

    Returns:
        For each direction, the pixels ``(E,)`` where edges start and those where they end, row by row.
    """
    number = np.arange(size[0] * size[1]).reshape(size)
    result = []
    for rows, columns in offsets:
        left, right = max(-columns, 0), max(columns, 0)
        near = number[: size[0] - rows, left : size[1] - right]
        far = number[rows:, right : size[1] - left]
        result.append((near.ravel(), far.ravel()))
    return result
