"""The tree energy loss."""

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_ssl.models.losses import TreeEnergyLoss

APART = 100.0 * torch.arange(24.0).view(1, 1, 4, 6)
"""Embeddings so far apart that the second tree leaves every pixel as it is."""


def scene():
    """Two colors; the left region is class 0, and one of its pixels is predicted otherwise."""
    images = torch.zeros(1, 3, 4, 6)
    images[..., 3:] = 1.0
    probs = torch.zeros(1, 2, 4, 6)
    probs[:, 0, :, :3] = probs[:, 1, :, 3:] = 1.0
    probs[0, :, 1, 1] = torch.tensor([0.0, 1.0])
    every = torch.ones(1, 4, 6, dtype=torch.bool)
    return probs, images, every


def test_hand_derived_value():
    """Within a color all affinities are 1, across exp(-3 / 0.02) = 0: the left mean is (11, 1) / 12. The odd pixel
    differs by 2 * 11 / 12, the other eleven by 2 / 12: 44 / 12 over 24 pixels.
    """
    probs, images, every = scene()
    loss = TreeEnergyLoss(weight=0.4)(probs, images, APART, every, every)
    assert loss.item() == pytest.approx(0.4 * (44 / 12) / 24)
    unlabeled = torch.zeros_like(every)
    unlabeled[0, 1, 1] = True
    assert TreeEnergyLoss(weight=1.0)(probs, images, APART, every, unlabeled).item() == pytest.approx(22 / 12)


def test_the_second_tree_filters_the_first_ones_result():
    """An embedding of one value everywhere: what it filters becomes the image's mean."""
    probs, images, every = scene()
    loss = TreeEnergyLoss(weight=1.0)(probs, images, torch.zeros(1, 5, 4, 6), every, every)
    mean = probs.mean(dim=(2, 3), keepdim=True)
    assert loss.item() == pytest.approx((probs - mean).abs().sum(dim=1).mean().item(), rel=1e-5)


def test_padding_is_inert():
    probs, images, every = scene()
    logits, embedding = torch.randn(1, 2, 4, 6), torch.randn(1, 5, 4, 6)
    valid = every.clone()
    valid[..., 4:] = False
    loss = TreeEnergyLoss()
    value = loss(logits.softmax(dim=1), images, embedding, valid, valid)
    logits[..., 4:], images[..., 4:], embedding[..., 4:] = 9.0, -3.0, 7.0
    logits.requires_grad_(), embedding.requires_grad_()
    again = loss(logits.softmax(dim=1), images, embedding, valid, valid)
    torch.testing.assert_close(again, value)
    for grad in torch.autograd.grad(again, (logits, embedding)):
        assert grad[..., 4:].abs().max() == 0
        assert grad.isfinite().all() and grad[..., :4].abs().max() > 0
    nothing = torch.zeros_like(valid)
    assert loss(logits.softmax(dim=1), images, embedding, nothing, nothing) == 0


@pytest.mark.parametrize('options', [dict(weight=-1.0), dict(sigma=0.0)])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match='sigma above 0'):
        MODELS.build(dict(type='TreeEnergyLoss', **options))
