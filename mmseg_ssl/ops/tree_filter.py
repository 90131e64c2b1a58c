"""Sums along a minimum spanning tree of the pixels (after Song et al., "Learnable Tree Filter", NeurIPS 2019)."""

from typing import Any, List, NamedTuple, Tuple

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from torch import Tensor

from .affinity import GRID_OFFSETS, edge_ends
from .precision import at_least_fp32

FAR = 1e6  # length of an edge to a pixel that is not valid: such pixels are tied to the tree last


class Forest(NamedTuple):
    """One tree per image of a batch; ``M = B h w`` pixels, image by image, row by row.

    Attributes:
        parent: ``(M,)`` int64; a root is its own.
        levels: Pixels at depth 1, 2, ..., int64; all trees of the batch are traversed together.
    """

    parent: Tensor
    levels: List[Tensor]


@torch.no_grad()
def spanning_forest(features: Tensor, valid: Tensor) -> Forest:
    """Build minimum spanning trees of 4-connected pixel grids, whose edge lengths are squared feature distances.

    SciPy builds the trees on the CPU, which waits for the device.

    Args:
        features: ``(B, D, h, w)``.
        valid: ``(B, h, w)`` bool; other pixels hang on the tree, but no path between valid ones leads through them.

    Returns:
        The trees, on the device of the features.
    """
    batch, (height, width) = len(features), features.shape[2:]
    number = np.arange(height * width).reshape(height, width)
    lengths, ends = [], []
    for rows, columns in GRID_OFFSETS[4]:
        near, far = edge_ends(at_least_fp32(features), (rows, columns))
        inside = torch.logical_and(*edge_ends(valid, (rows, columns)))
        # plus 1: SciPy takes an edge of length 0 for none
        length = (near - far).square().sum(dim=1).clamp(max=FAR / 2).where(inside, FAR) + 1
        lengths.append(length.flatten(1).cpu().numpy())
        ends.append((number[: height - rows, : width - columns].ravel(), number[rows:, columns:].ravel()))
    near, far = (np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    trees = [_rooted(length, near, far, number.size) for length in np.concatenate(lengths, axis=1)]
    parent = np.concatenate([own + image * number.size for image, (own, _) in enumerate(trees)])
    depth = np.concatenate([depth for _, depth in trees])
    # by depth over all images at once: as many passes as the deepest tree has levels
    order = np.argsort(depth, kind='stable')
    levels = np.split(order, np.searchsorted(depth[order], np.arange(1, depth.max() + 1)))[1:] if batch else []
    device = features.device
    return Forest(torch.from_numpy(parent).to(device), [torch.from_numpy(level).to(device) for level in levels])


def _rooted(length: np.ndarray, near: np.ndarray, far: np.ndarray, size: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return parent and depth of every pixel (N,) in a minimum spanning tree whose root is pixel 0."""
    tree = minimum_spanning_tree(coo_matrix((length, (near, far)), shape=(size, size)))
    # breadth first: parents come before their children
    order, parent = breadth_first_order(tree, 0, directed=False)
    parent = parent.astype(np.int64)
    parent[0] = 0
    depth = [0] * size
    up = parent.tolist()
    for pixel in order[1:].tolist():
        depth[pixel] = depth[up[pixel]] + 1
    return parent, np.array(depth)


def tree_filter(values: Tensor, weights: Tensor, forest: Forest) -> Tensor:
    r"""Average over the tree of a pixel, with weights that decay along the path.

    .. math:: \bar x_i = \frac{\sum_j A_{ij} x_j}{\sum_j A_{ij}}, \qquad
              A_{ij} = \prod_{e \in \mathrm{path}(i, j)} a_e

    Two passes over the levels, up to the root and down again: linear in the number of pixels, differentiable in values
    and weights.

    Args:
        values: ``(M, C)``.
        weights: :math:`a_e` in ``[0, 1]`` of the edge from each pixel to its parent, ``(M,)``; a root's has no effect.
        forest: The trees.

    Returns:
        ``(M, C)``.
    """
    total: Tensor = TreeSum.apply(torch.cat([values, torch.ones_like(values[:, :1])], dim=1), weights, forest)
    return total[:, :-1] / total[:, -1:]


class TreeSum(torch.autograd.Function):
    r"""Computes the numerator of :func:`tree_filter`, :math:`y = A x`.

    :math:`A` is symmetric, so the gradient of the values is :math:`A g`. Cutting the edge :math:`e` between a pixel
    :math:`c` and its parent :math:`p` leaves the pixels below it and the rest: :math:`A_{ij} = A_{ic} a_e A_{pj}` for
    one of each, so

    .. math:: \partial L / \partial a_e = g^{below}_c \cdot (y_p - a_e x^{below}_c) +
                                          x^{below}_c \cdot ((A g)_p - a_e g^{below}_c)

    with :math:`x^{below}_c` the sum of :math:`A_{cj} x_j` over the pixels below.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor, forest: Forest) -> Tensor:
        """Pass up, then down."""
        below, total = _walk(values, weights, forest)
        ctx.save_for_backward(weights, below, total)
        ctx.forest = forest
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tuple[Tensor, Tensor, None]:
        """Take the same passes with the gradient."""
        weights, below, total = ctx.saved_tensors
        grad_below, grad_total = _walk(grad, weights, ctx.forest)
        parent, a = ctx.forest.parent, weights.unsqueeze(1)
        of_weights = (grad_below * (total[parent] - a * below) + below * (grad_total[parent] - a * grad_below)).sum(1)
        root = parent == torch.arange(len(parent), device=parent.device)
        return grad_total, of_weights.masked_fill(root, 0), None


def _walk(values: Tensor, weights: Tensor, forest: Forest) -> Tuple[Tensor, Tensor]:
    """Sum over the pixels below each pixel, itself included, and over the whole tree, both (M, C)."""
    weights, below = weights.unsqueeze(1), values.clone()
    for level in reversed(forest.levels):
        below.index_add_(0, forest.parent[level], weights[level] * below[level])
    total = below.clone()
    for level in forest.levels:
        a = weights[level]
        total[level] = a * total[forest.parent[level]] + (1 - a * a) * below[level]
    return below, total
