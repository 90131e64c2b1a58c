"""``grid_affinity``: by hand, by a slow loop, at borders and padding."""

import math

import pytest
import torch

from mmseg_ssl.ops import grid_affinity
from mmseg_ssl.ops.affinity import GRID_OFFSETS


def slow(image, bandwidth, connectivity, valid):
    """The formula, edge by edge, of one image."""
    _, height, width = image.shape
    edges = {}
    for edge, (down, right) in enumerate(GRID_OFFSETS[connectivity]):
        for row in range(height):
            for column in range(width):
                other = row + down, column + right
                if 0 <= other[0] < height and 0 <= other[1] < width and valid[row, column] and valid[other]:
                    edges[edge, row, column] = (
                        ((image[:, row, column] - image[:, other[0], other[1]]) ** 2).sum().item()
                    )
    variance = sum(edges.values()) / len(edges) if bandwidth in (None, 'adaptive') else bandwidth**2
    result = torch.zeros(connectivity // 2, height, width, dtype=image.dtype)
    for (edge, row, column), distance in edges.items():
        length = math.hypot(*GRID_OFFSETS[connectivity][edge])
        result[edge, row, column] = math.exp(-distance / (2 * variance)) / length
    return result


@pytest.mark.parametrize('connectivity', [4, 8])
@pytest.mark.parametrize('bandwidth', [9, 3.0, None, 'adaptive'])
def test_equals_the_formula(connectivity, bandwidth):
    images = 30 * torch.rand(2, 3, 4, 5, dtype=torch.float64)
    valid = torch.rand(2, 4, 5) < 0.8
    expected = torch.stack(
        [slow(*case, connectivity, mask) for case, mask in zip(((i, bandwidth) for i in images), valid)]
    )
    torch.testing.assert_close(grid_affinity(images, bandwidth, connectivity, valid), expected)


def test_by_hand():
    """Colors 9 apart in one channel, bandwidth 9: exp(-1 / 2) to the right; below, the same color: 1."""
    images = torch.zeros(1, 3, 2, 2)
    images[0, 0, :, 1] = 9
    right, below = grid_affinity(images)[0]
    torch.testing.assert_close(right, torch.tensor([[math.exp(-0.5), 0], [math.exp(-0.5), 0]]))
    assert below.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize('bandwidth', [9, 'adaptive'])
def test_padding_is_inert(bandwidth):
    """Whatever stands in it, NaN too; and the rest is as without it."""
    images = 255 * torch.rand(1, 3, 4, 5)
    padded = torch.full((1, 3, 6, 8), math.nan)
    padded[..., :4, :5] = images
    valid = torch.zeros(1, 6, 8, dtype=torch.bool)
    valid[:, :4, :5] = True
    affinity = grid_affinity(padded, bandwidth, 8, valid)
    torch.testing.assert_close(affinity[..., :4, :5], grid_affinity(images, bandwidth, 8))
    assert affinity[..., 4:, :].sum() == affinity[..., 5:].sum() == 0


def test_bytes_do_not_wrap_around_and_one_color_is_one_region():
    images = torch.tensor([250, 5], dtype=torch.uint8).expand(1, 3, 1, 2)
    assert grid_affinity(images).sum() == 0
    assert grid_affinity(torch.full((1, 3, 2, 2), 7.0), bandwidth=None)[0, 0, 0, 0] == 1
    assert grid_affinity(images[..., :1], connectivity=8).tolist() == [[[[0]]] * 4]


def test_bad_arguments():
    images = torch.zeros(1, 3, 2, 2)
    with pytest.raises(ValueError, match='connectivity must be one of'):
        grid_affinity(images, connectivity=6)
    for bandwidth in (0, -1, 'wide'):
        with pytest.raises(ValueError, match='bandwidth must be'):
            grid_affinity(images, bandwidth)
    with pytest.raises(ValueError, match='Expected valid'):
        grid_affinity(images, valid=torch.ones(1, 3, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match='needs images'):
        grid_affinity(images[0])
