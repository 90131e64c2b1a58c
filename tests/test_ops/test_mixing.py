"""Boxes and mixing."""

import pytest
import torch

from mmseg_ssl.ops import BoxMix, box_mask
from mmseg_ssl.structures import PixelTarget


def test_one_box_by_hand():
    """Share 1/4, drawn shape 1/2: 1/4^(1/2) = half the height and half the width, 4 of 8 pixels; at the quarter
    of the free 4 rows (1) and the half of the free 4 columns (2).
    """
    mask = box_mask(torch.tensor([[0.0, 0.5, 0.25, 0.5]]), (8, 8), area=(0.25, 0.25))
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[1:5, 2:6] = True
    assert torch.equal(mask[0], expected)


def test_aspect_by_hand():
    """Share 1/4 of 16x16 is 64 pixels; a ratio of 4 makes it 16 high and 4 wide."""
    mask = box_mask(torch.tensor([[0.0, 0.0, 0.0, 0.0]]), (16, 16), area=(0.25, 0.25), aspect=(4, 4))
    assert mask[0].sum() == 64
    assert mask[0, :, :4].all()


@pytest.mark.parametrize('aspect', [None, (0.3, 1 / 0.3)])
def test_area_of_one_box(aspect):
    """A single box covers a share from the range, up to the rounding of its sides, and both ends are reached."""
    shares = box_mask(torch.rand(400, 4), (64, 64), (0.25, 0.5), aspect).float().mean(dim=(1, 2))
    slack = 1.5 / 64  # half a pixel on each side
    assert shares.min() >= 0.25 - slack
    assert shares.max() <= 0.5 + slack
    assert shares.min() < 0.27
    assert shares.max() > 0.48


def test_boxes_lie_inside():
    """At the largest position the box ends with the image: it is not cut, so that its area is kept."""
    uniforms = torch.rand(50, 4)
    uniforms[:, 2:] = 1 - 1e-6
    corner = box_mask(uniforms, (40, 40), (0.25, 0.5))
    uniforms[:, 2:] = 0
    origin = box_mask(uniforms, (40, 40), (0.25, 0.5))
    assert torch.equal(corner.sum(dim=(1, 2)), origin.sum(dim=(1, 2)))
    assert corner[:, -1, -1].all()
    assert origin[:, 0, 0].all()


def test_overlaps_are_inverted():
    """Two equal boxes cancel; three are one. A box of three has a third of the area."""
    box = torch.tensor([0.0, 0.5, 0.5, 0.5])
    assert box_mask(box.repeat(2)[None], (24, 24), (0.5, 0.5)).sum() == 0
    third = box_mask(box.repeat(3)[None], (24, 24), (0.5, 0.5))
    assert third.float().mean() == pytest.approx(1 / 6, abs=0.02)


def test_masks_are_a_function_of_the_sample():
    uniforms = torch.rand(5, 12)
    masks = box_mask(uniforms, (32, 32), (0.25, 0.5))
    for index in range(5):
        assert torch.equal(masks[index], box_mask(uniforms[index : index + 1], (32, 32), (0.25, 0.5))[0])
        assert not torch.equal(masks[index], masks[index - 1])


def test_full_area_is_the_whole_image():
    assert box_mask(torch.rand(3, 4), (9, 7), (1, 1)).all()


def test_bad_arguments():
    with pytest.raises(ValueError, match=r'\(B, 4 n\) uniforms'):
        box_mask(torch.rand(2, 5), (8, 8), (0.25, 0.5))
    with pytest.raises(ValueError, match='area'):
        box_mask(torch.rand(2, 4), (8, 8), (0.5, 0.25))
    with pytest.raises(ValueError, match='area'):
        box_mask(torch.rand(2, 4), (8, 8), (0.0, 0.25))


def test_everything_is_mixed_by_the_same_mask():
    """Images, soft and hard targets, weights and masks: pixel by pixel, own where the mask is false."""
    mask = torch.rand(2, 4, 4) > 0.5
    mix = BoxMix(mask)
    own = torch.arange(2 * 4 * 4).reshape(2, 4, 4)
    partner = own + 100
    mixed = mix(own, partner)
    assert torch.equal(mixed, own + 100 * mask)
    assert mixed.dtype == own.dtype
    images, partners = own[:, None].expand(2, 3, 4, 4), partner[:, None].expand(2, 3, 4, 4)
    assert torch.equal(mix(images, partners), mixed[:, None].expand(2, 3, 4, 4))
    for label, other in ((own, partner), (images.float(), partners.float())):
        target = mix(PixelTarget(label, own.float()), PixelTarget(other, partner.float()))
        assert torch.equal(target.label, mix(label, other))
        assert torch.equal(target.weight, mixed.float())
    assert torch.equal(mix(mask, mask), mask)


@pytest.mark.parametrize('size', [2, 3])
def test_no_image_is_its_own_partner(size):
    """Without a partner it is another image of the batch, the same one for the image and for its target."""
    everywhere = BoxMix(torch.ones(size, 2, 2, dtype=torch.bool))
    images = torch.arange(size).float()[:, None, None, None].expand(size, 3, 2, 2)
    mixed = everywhere(images)[:, 0, 0, 0]
    assert (mixed != torch.arange(size)).all()
    target = everywhere(PixelTarget(images[:, 0].long(), images[:, 0]))
    assert torch.equal(target.label[:, 0, 0].float(), mixed)
    assert torch.equal(target.weight[:, 0, 0], mixed)
