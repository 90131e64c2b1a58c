"""``pixel_cross_entropy``: hard and soft labels, weights, pixels that say nothing."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import pixel_cross_entropy
from mmseg_ssl.structures import PixelTarget


def test_by_hand():
    """Logits (0, ln 3): probabilities 1/4, 3/4. Label 0 costs ln 4, label 1 ln(4/3), half of each
    (ln 4 + ln(4/3)) / 2 = ln 4 - ln(3) / 2; the weight multiplies.
    """
    logits = torch.tensor([0.0, math.log(3)]).reshape(1, 2, 1, 1).expand(1, 2, 1, 2)
    weight = torch.tensor([[[1.0, 0.5]]])
    hard = pixel_cross_entropy(logits, PixelTarget(torch.tensor([[[0, 1]]]), weight))
    torch.testing.assert_close(hard, torch.tensor([[[math.log(4), math.log(4 / 3) / 2]]]))
    soft = pixel_cross_entropy(logits, PixelTarget(torch.full((1, 2, 1, 2), 0.5), weight))
    cost = math.log(4) - math.log(3) / 2
    torch.testing.assert_close(soft, torch.tensor([[[cost, cost / 2]]]))


def test_one_hot_probabilities_are_classes():
    logits, label = torch.randn(2, 5, 3, 3), torch.randint(0, 5, (2, 3, 3))
    one_hot = F.one_hot(label, 5).permute(0, 3, 1, 2).float()
    weight = torch.rand(2, 3, 3)
    hard, soft = (pixel_cross_entropy(logits, PixelTarget(y, weight)) for y in (label, one_hot))
    torch.testing.assert_close(hard, soft)
    torch.testing.assert_close(hard, weight * F.cross_entropy(logits, label, reduction='none'))


@pytest.mark.parametrize('soft', [False, True])
def test_pixels_that_say_nothing_are_inert(soft):
    """Weight 0, and label 255: value and gradient exactly 0, also where the loss there is infinite."""
    logits = torch.randn(1, 3, 2, 3)
    logits[0, 1, 0, 1] = -math.inf  # its label is 1: an infinite loss of weight 0
    logits.requires_grad_()
    label = torch.tensor([[[0, 1, 255], [2, 1, 0]]])
    weight = torch.tensor([[[1.0, 0.0, 1.0], [0.5, 1.0, 0.0]]])
    silent = weight == 0
    if soft:
        label = F.one_hot(label.clamp(max=2), 3).permute(0, 3, 1, 2).float()
        logits = logits.detach().clamp(min=-50).requires_grad_()  # 0 * inf is already NaN in a soft label's own sum
    else:
        silent = silent | (label == 255)
    loss = pixel_cross_entropy(logits, PixelTarget(label, weight))
    loss.sum().backward()
    assert torch.equal(loss[silent], torch.zeros_like(loss[silent]))
    assert (loss[~silent] > 0).all()
    grad = logits.grad.permute(0, 2, 3, 1)
    assert torch.equal(grad[silent], torch.zeros_like(grad[silent]))
    assert (grad[~silent].abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize('soft', [False, True])
def test_gradcheck(soft):
    logits = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    label = torch.rand(1, 3, 2, 2, dtype=torch.float64) if soft else torch.tensor([[[0, 2], [255, 1]]])
    weight = torch.rand(1, 2, 2, dtype=torch.float64)
    assert gradcheck(lambda z: pixel_cross_entropy(z, PixelTarget(label, weight)), logits)


def test_renaming_classes_changes_nothing():
    logits, label = torch.randn(1, 4, 3, 3), torch.randint(0, 4, (1, 3, 3))
    order = torch.tensor([2, 0, 3, 1])
    target, renamed = (PixelTarget(y, torch.ones(1, 3, 3)) for y in (label, order.argsort()[label]))
    torch.testing.assert_close(pixel_cross_entropy(logits, target), pixel_cross_entropy(logits[:, order], renamed))


def test_large_logits_stay_finite_and_half_precision_is_widened():
    logits = torch.tensor([100.0, -100.0]).reshape(1, 2, 1, 1).expand(1, 2, 1, 2).half()
    loss = pixel_cross_entropy(logits, PixelTarget(torch.tensor([[[0, 1]]]), torch.ones(1, 1, 2)))
    assert loss.dtype == torch.float32
    assert loss.tolist() == [[[0, 200]]]


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match='Resize the logits'):
        pixel_cross_entropy(torch.zeros(1, 3, 4, 4), PixelTarget(torch.zeros(1, 8, 8).long(), torch.ones(1, 8, 8)))
