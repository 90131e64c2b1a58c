"""Potts costs over a grid, over random steps and over all pairs."""

import math

import pytest
import torch

from mmseg_ssl.ops.affinity import GRID_OFFSETS, grid_affinity
from mmseg_ssl.ops.dense_neighborhood import dense_potts
from mmseg_ssl.ops.neighborhood import offset_affinity, offset_potts, random_offsets
from mmseg_ssl.ops.potts import RELAXATIONS, potts

ALL_STEPS = ((0, 1), (0, 2), (1, 0), (1, 1), (1, -1), (1, 2), (1, -2))  # of all pairs of a map of 2 x 3 pixels


def scene(batch=2, height=2, width=3, classes=3):
    generator = torch.Generator().manual_seed(7)
    probs = torch.randn(batch, classes, height, width, generator=generator, dtype=torch.float64).softmax(dim=1)
    images = torch.randint(0, 40, (batch, 3, height, width), generator=generator).double()
    valid = torch.ones(batch, height, width, dtype=torch.bool)
    valid[-1, :, -1] = False
    return probs, images, valid


def pairs_of(valid, offsets):
    """Every pair of valid pixels at one of the steps, image by image."""
    height, width = valid.shape[1:]
    for image in range(len(valid)):
        for row in range(height):
            for column in range(width):
                for down, right in offsets:
                    end = (row + down, column + right)
                    if 0 <= end[0] < height and 0 <= end[1] < width and valid[image, row, column] and valid[image][end]:
                        yield image, (row, column), end


@pytest.mark.parametrize('relaxation', RELAXATIONS)
@pytest.mark.parametrize('offsets', [GRID_OFFSETS[4], GRID_OFFSETS[8], ((1, -2), (0, 2))])
def test_steps_equal_the_loop(relaxation, offsets):
    probs, images, valid = scene()
    affinity = offset_affinity(images, offsets, 9.0, valid)
    total, count = torch.zeros(2, dtype=torch.float64), torch.zeros(2)
    for image, near, far in pairs_of(valid, offsets):
        color = (images[image, :, near[0], near[1]] - images[image, :, far[0], far[1]]).square().sum()
        one, other = probs[image, :, near[0], near[1]], probs[image, :, far[0], far[1]]
        total[image] += math.exp(-color / (2 * 81)) * potts(one[None], other[None], relaxation)[0]
        count[image] += 1
    cost = offset_potts(probs, affinity, offsets, valid, relaxation)
    torch.testing.assert_close(cost.total, total)
    assert cost.pairs.tolist() == count.tolist()


def test_steps_on_the_grid_have_the_affinity_of_the_grid():
    """With 4 neighbors; the diagonals' shorter affinity is the grid's alone."""
    _, images, valid = scene()
    torch.testing.assert_close(
        offset_affinity(images, GRID_OFFSETS[4], 5.0, valid), grid_affinity(images, 5.0, 4, valid)
    )


@pytest.mark.parametrize('relaxation', RELAXATIONS)
@pytest.mark.parametrize('chunk', [4, 512])
def test_all_pairs_equal_the_loop(relaxation, chunk):
    """At full resolution: every pair once, with both Gaussians, and half of each pixel with itself."""
    probs, images, valid = scene()
    expected = torch.zeros(2, dtype=torch.float64)
    for image, near, far in pairs_of(valid, ALL_STEPS):
        color = (images[image, :, near[0], near[1]] - images[image, :, far[0], far[1]]).square().sum()
        place = (near[0] - far[0]) ** 2 + (near[1] - far[1]) ** 2
        one, other = probs[image, :, near[0], near[1]], probs[image, :, far[0], far[1]]
        affinity = math.exp(-color / (2 * 225) - place / (2 * 4))
        expected[image] += affinity * potts(one[None], other[None], relaxation)[0]
    own = potts(probs, probs, relaxation)
    expected += (own * valid).sum(dim=(1, 2)) / 2
    cost = dense_potts(probs, images, valid, relaxation, spatial_bandwidth=2.0, chunk=chunk)
    torch.testing.assert_close(cost.total, expected)
    assert cost.pairs.tolist() == [18.0, 8.0]  # 6 and 4 pixels: n^2 / 2


def test_the_bilinear_relaxation_is_half_the_dense_crf_loss():
    """Tang et al., ECCV 2018: sum over k of S_k^T A (1 - S_k), with the matrix written out."""
    probs, images, valid = scene(batch=1)
    places = torch.stack(torch.meshgrid(torch.arange(2), torch.arange(3), indexing='ij'), dim=-1).flatten(0, 1).double()
    colors = images[0].flatten(1).T
    square = torch.cdist(places, places) ** 2 / (2 * 100**2) + torch.cdist(colors, colors) ** 2 / (2 * 15**2)
    matrix, labels = (-square).exp(), probs[0].flatten(1)
    valid = torch.ones_like(valid)
    expected = sum(row @ matrix @ (1 - row) for row in labels) / 2
    torch.testing.assert_close(dense_potts(probs, images, valid, 'bilinear').total, expected[None])


def test_reduced_resolution_keeps_the_scale():
    """Cells of one color and one label lose nothing: a map of doubled pixels costs 4 x 4 times what the map itself
    costs, whatever lies in the padding.
    """
    probs, images, valid = scene()
    large = [values.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2) for values in (probs, images, valid)]
    small = dense_potts(probs, images, valid, 'quadratic', spatial_bandwidth=5.0)
    reduced = dense_potts(*large, 'quadratic', spatial_bandwidth=10.0, resolution=3)
    torch.testing.assert_close(reduced.total, 16 * small.total)
    torch.testing.assert_close(reduced.pairs, 16 * small.pairs)
    large[0][1, :, :, 4:], large[1][1, :, :, 4:] = float('nan'), 255.0
    torch.testing.assert_close(
        dense_potts(*large, 'quadratic', spatial_bandwidth=10.0, resolution=3).total, reduced.total
    )


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_gradients(relaxation):
    probs, images, valid = scene()
    affinity = grid_affinity(images, 9.0, 4, valid)
    probs.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda p: offset_potts(p, affinity, GRID_OFFSETS[4], valid, relaxation).total, probs
    )
    assert torch.autograd.gradcheck(lambda p: dense_potts(p, images, valid, relaxation, resolution=2).total, probs)
    (grad,) = torch.autograd.grad(dense_potts(probs, images, valid, relaxation).total.sum(), probs)
    assert grad[1, :, :, -1].abs().max() == 0


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_nothing_valid_costs_nothing(relaxation):
    probs, images, valid = scene()
    probs.requires_grad_()
    nothing = torch.zeros_like(valid)
    for cost in (
        dense_potts(probs, images, nothing, relaxation),
        offset_potts(probs, grid_affinity(images, 9.0, 4, nothing), GRID_OFFSETS[4], nothing, relaxation),
    ):
        assert cost.total.tolist() == cost.pairs.tolist() == [0, 0]
        (grad,) = torch.autograd.grad(cost.total.sum(), probs)
        assert not grad.any()


def test_random_steps_fill_the_disc():
    """Each within the radius, seen from one end, as many within half the radius as its area; a function of the seed."""
    torch.manual_seed(3)
    steps = random_offsets(4000, 50.0)
    distances = torch.tensor(steps).double().square().sum(dim=1).sqrt()
    assert distances.max() < 51 and distances.min() >= 1
    assert min(row for row, _ in steps) >= 0
    assert (distances < 25).double().mean().item() == pytest.approx(0.25, abs=0.03)
    assert torch.tensor(steps)[:, 1].double().mean().abs() < 2
    torch.manual_seed(3)
    assert random_offsets(4000, 50.0) == steps
    assert set(random_offsets(50, 1.0)) <= {(0, 1), (1, 0), (0, -1), (1, 1), (1, -1)}


def test_steps_beyond_the_map_have_no_pairs():
    probs, images, valid = scene()
    steps = ((9, 0), (0, -9), (1, 9))
    cost = offset_potts(probs, offset_affinity(images, steps, 9.0, valid), steps, valid, 'quadratic')
    assert cost.total.tolist() == cost.pairs.tolist() == [0, 0]
