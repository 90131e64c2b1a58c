"""Splitting a ``Prediction``; ``PixelTarget`` between the size of the image and the stride of an embedding."""

import torch
import torch.nn.functional as F

from mmseg_ssl.structures import PixelTarget, Prediction, map_tensors


def test_at_stride_takes_the_nearest_pixels():
    """Rows and columns 1 and 3 of four are nearest to the centers of two cells; classes are never averaged."""
    label = torch.tensor([[0, 1, 2, 3], [4, 5, 6, 255], [0, 0, 0, 0], [1, 2, 3, 4]])[None]
    weight = torch.arange(16.0).reshape(1, 4, 4)
    near = PixelTarget(label, weight).at_stride((2, 2))
    assert near.label.dtype == torch.int64
    assert near.label.tolist() == [[[5, 255], [2, 4]]]
    assert near.weight.tolist() == [[[5, 7], [13, 15]]]


def test_at_stride_takes_the_likeliest_class_of_a_soft_label():
    label, weight = torch.randint(0, 6, (2, 9, 7)), torch.rand(2, 9, 7)
    soft = PixelTarget(0.5 * F.one_hot(label, 6).movedim(-1, 1) + 0.5 / 6, weight)
    for one, other in zip(soft.at_stride((3, 4)), PixelTarget(label, weight).at_stride((3, 4))):
        assert torch.equal(one, other)


def test_at_stride_of_the_same_size_is_the_target():
    target = PixelTarget(torch.randint(0, 5, (1, 4, 3)), torch.rand(1, 4, 3))
    for one, other in zip(target.at_stride((4, 3)), target):
        assert torch.equal(one, other)


def test_a_prediction_is_split_whatever_the_shape_of_its_levels():
    """A ViT gives [map, class token] per level; a head without an embedding gives none."""
    token, level = torch.rand(5, 3), torch.rand(5, 3, 2, 2)
    whole = Prediction(torch.rand(5, 2, 4, 4), None, ([level, token], dict(map=level)), dict(variance=torch.rand(5, 1)))
    first, second = whole.split([2, 3])
    assert isinstance(second, Prediction) and second.embedding is None
    assert torch.equal(first.logits, whole.logits[:2]) and torch.equal(
        second.side['variance'], whole.side['variance'][2:]
    )
    assert torch.equal(second.feats[0][1], token[2:]) and torch.equal(second.feats[1]['map'], level[2:])
    assert second.feats[0][1].data_ptr() == token[2:].data_ptr()  # a view


def test_map_tensors_leaves_what_is_no_tensor():
    assert map_tensors(torch.Tensor.sum, [torch.ones(2), (None, 3)]) == [2, (None, 3)]
