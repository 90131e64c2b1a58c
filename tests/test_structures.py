"""``PixelTarget`` between the size of the image and the stride of an embedding."""

import torch
import torch.nn.functional as F

from mmseg_ssl.structures import PixelTarget


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
