"""Minimum spanning trees, and means along them."""

import itertools

import pytest
import torch

from mmseg_ssl.ops.tree_filter import Forest, TreeSum, spanning_forest, tree_filter


def kruskal(features, valid, far=1e6):
    """Length of the shortest tree of one image, by the book."""
    height, width = valid.shape
    edges = []
    for row, column in itertools.product(range(height), range(width)):
        for other in ((row + 1, column), (row, column + 1)):
            if other[0] < height and other[1] < width:
                length = (features[:, row, column] - features[:, other[0], other[1]]).square().sum().item()
                inside = valid[row, column] and valid[other]
                edges.append((length if inside else far, row * width + column, other[0] * width + other[1]))
    group, total = list(range(height * width)), 0.0
    for length, one, other in sorted(edges):
        if group[one] != group[other]:
            total += length
            group = [group[one] if member == group[other] else member for member in group]
    return total


def scene(height=4, width=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(2, 3, height, width, generator=generator, dtype=torch.float64)
    valid = torch.ones(2, height, width, dtype=torch.bool)
    valid[1, :, 3:] = False
    return features, valid


def matrix_of(weights, forest):
    """Products of weights along the way between any two pixels, by walking up from both."""

    def way(pixel):
        pixels, product = [pixel], {pixel: 1.0}
        while forest.parent[pixels[-1]] != pixels[-1]:
            up = int(forest.parent[pixels[-1]])
            product[up] = product[pixels[-1]] * weights[pixels[-1]]
            pixels.append(up)
        return product

    size = len(forest.parent)
    ways = [way(pixel) for pixel in range(size)]
    matrix = torch.zeros(size, size, dtype=torch.float64)
    for i, j in itertools.product(range(size), range(size)):
        meeting = next((pixel for pixel in ways[i] if pixel in ways[j]), None)
        matrix[i, j] = 0.0 if meeting is None else ways[i][meeting] * ways[j][meeting]
    return matrix


def test_the_trees_are_the_shortest():
    features, valid = scene()
    forest = spanning_forest(features, valid)
    points, inside = features.movedim(1, -1).flatten(0, 2), valid.flatten()
    length = (points - points[forest.parent]).square().sum(dim=1)
    length[~(inside & inside[forest.parent])] = 1e6
    roots = forest.parent == torch.arange(40)
    assert roots.nonzero().flatten().tolist() == [0, 20]
    length[roots] = 0
    for image in range(2):
        assert length[20 * image : 20 * image + 20].sum().item() == pytest.approx(
            kruskal(features[image], valid[image])
        )
    assert sorted(torch.cat(forest.levels).tolist()) == sorted(set(range(40)) - {0, 20})


def test_sums_are_those_of_the_ways_through_the_tree():
    features, valid = scene()
    forest = spanning_forest(features, valid)
    weights, values = torch.rand(40, dtype=torch.float64), torch.rand(40, 3, dtype=torch.float64)
    matrix = matrix_of(weights, forest)
    torch.testing.assert_close(matrix, matrix.T)
    assert matrix[:20, 20:].abs().max() == 0  # images are apart
    torch.testing.assert_close(TreeSum.apply(values, weights, forest), matrix @ values)
    expected = matrix @ values / matrix.sum(dim=1, keepdim=True)
    torch.testing.assert_close(tree_filter(values, weights, forest), expected)


def test_a_chain_by_hand():
    """0 - 1 - 2 with weights 1/2 and 1/4: the middle sees (1/2, 1, 1/4), its mean is 7/4 of x."""
    forest = Forest(torch.tensor([0, 0, 1]), [torch.tensor([1]), torch.tensor([2])])
    values = torch.tensor([[4.0], [8.0], [16.0]], dtype=torch.float64)
    mean = tree_filter(values, torch.tensor([9.0, 0.5, 0.25], dtype=torch.float64), forest)
    assert mean[:, 0].tolist() == pytest.approx([(4 + 4 + 2) / 1.625, (2 + 8 + 4) / 1.75, (0.5 + 2 + 16) / 1.375])


def test_gradients_of_values_and_weights():
    features, valid = scene(3, 3)
    forest = spanning_forest(features, torch.ones(2, 3, 3, dtype=torch.bool))
    values = torch.rand(18, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(18, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, a: tree_filter(x, a, forest), (values, weights))


def test_limits():
    """Weights of 1 give the image's mean, weights of 0 the pixel itself."""
    features, valid = scene()
    forest, values = spanning_forest(features, valid), torch.rand(40, 3, dtype=torch.float64)
    ones = tree_filter(values, torch.ones(40, dtype=torch.float64), forest).view(2, 20, 3)
    torch.testing.assert_close(ones, values.view(2, 20, 3).mean(dim=1, keepdim=True).expand(-1, 20, -1))
    torch.testing.assert_close(tree_filter(values, torch.zeros(40, dtype=torch.float64), forest), values)


def test_one_pixel_is_a_tree():
    forest = spanning_forest(torch.rand(2, 3, 1, 1), torch.ones(2, 1, 1, dtype=torch.bool))
    assert forest.parent.tolist() == [0, 1] and not forest.levels
