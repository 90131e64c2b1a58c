"""Alpha-expansion against trying every labeling."""

import itertools
import sys

import numpy as np
import pytest

from mmseg_ssl.ops import alpha_expansion as module
from mmseg_ssl.ops.affinity import GRID_OFFSETS
from mmseg_ssl.ops.alpha_expansion import alpha_expansion, grid_edges, potts_energy

pytest.importorskip('maxflow')


def problem(classes, size, seed, connectivity=4, seeds=()):
    """Random costs, positive and negative, and weights; classes of some pixels given."""
    rng = np.random.RandomState(seed)
    unary = rng.randn(classes, size[0] * size[1])
    for pixel, label in seeds:
        unary[np.arange(classes) != label, pixel] = np.inf
    ends = grid_edges(size, GRID_OFFSETS[connectivity])
    return unary, [rng.rand(len(near)) for near, _ in ends], ends


def best(unary, weights, ends):
    """The lowest energy of all labelings."""
    weight, near, far = np.concatenate(weights), *(np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    classes, pixels = unary.shape
    return min(
        potts_energy(unary, np.array(labels), weight, near, far)
        for labels in itertools.product(range(classes), repeat=pixels)
    )


def energy_of(labels, unary, weights, ends):
    weight, near, far = np.concatenate(weights), *(np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    return potts_energy(unary, labels, weight, near, far)


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('connectivity', [4, 8])
@pytest.mark.parametrize('seeds', [(), ((0, 0), (8, 1)), ((4, 1),)])
def test_two_classes_are_solved_exactly(seed, connectivity, seeds):
    """On 3 x 3 pixels, 512 labelings."""
    unary, weights, ends = problem(2, (3, 3), seed, connectivity, seeds)
    labels = alpha_expansion(unary, weights, ends)
    assert energy_of(labels, unary, weights, ends) == pytest.approx(best(unary, weights, ends), abs=1e-9)
    assert all(labels[pixel] == label for pixel, label in seeds)


@pytest.mark.parametrize('seed', range(6))
def test_three_classes_are_near_the_optimum(seed):
    """With costs at least 0: within twice it, Boykov, Veksler & Zabih 2001, theorem 6.1; 6561 labelings."""
    unary, weights, ends = problem(3, (2, 4), seed, seeds=((0, 0), (7, 2)))
    unary = np.abs(unary)
    value = energy_of(alpha_expansion(unary, weights, ends), unary, weights, ends)
    optimum = best(unary, weights, ends)
    assert optimum - 1e-9 <= value <= 2 * optimum


@pytest.mark.parametrize('seed', range(3))
def test_the_energy_never_rises(seed):
    unary, weights, ends = problem(5, (12, 9), seed, seeds=((0, 0), (50, 4)))
    values = [energy_of(alpha_expansion(unary, weights, ends, rounds), unary, weights, ends) for rounds in (1, 2, 3, 9)]
    assert all(later <= earlier for earlier, later in zip(values, values[1:]))
    # at the end no move is left: the same labels again
    labels = alpha_expansion(unary, weights, ends, 50)
    assert np.array_equal(labels, alpha_expansion(unary, weights, ends, 51))


def test_without_neighbors_each_pixel_takes_its_cheapest_class():
    unary, weights, ends = problem(4, (5, 5), 0)
    labels = alpha_expansion(unary, [np.zeros_like(weight) for weight in weights], ends)
    assert np.array_equal(labels, unary.argmin(axis=0))


def test_classes_that_no_pixel_may_take_are_not_taken():
    unary, weights, ends = problem(3, (4, 4), 1)
    unary[1] = np.inf
    assert 1 not in alpha_expansion(unary, weights, ends)


def test_grid_edges_by_hand():
    """Pixels 0 1 2 / 3 4 5; the diagonal down to the left joins 1-3 and 2-4."""
    (near, far), (near_left, far_left) = grid_edges((2, 3), [(0, 1), (1, -1)])
    assert (near.tolist(), far.tolist()) == ([0, 1, 3, 4], [1, 2, 4, 5])
    assert (near_left.tolist(), far_left.tolist()) == ([1, 2], [3, 4])


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'maxflow', None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install mmseg_ssl\[graphcut\]'):
        alpha_expansion(*problem(2, (2, 2), 0))
    assert 'graphcut' in module.MISSING
