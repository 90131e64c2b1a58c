"""Collision and reverse cross entropy: by hand, limits, gradients."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import collision_cross_entropy, reverse_cross_entropy

LOSSES = (collision_cross_entropy, reverse_cross_entropy)


def one_pixel(*values):
    return torch.tensor(values).reshape(1, -1, 1, 1)


def test_by_hand():
    """sigma = (1/4, 3/4), y = (1/2, 1/2) or (1/3, 2/3): collision -ln(1/2), -ln(7/12)."""
    logits = one_pixel(0.0, math.log(3))
    assert collision_cross_entropy(logits, one_pixel(0.5, 0.5)).item() == pytest.approx(math.log(2))
    label = one_pixel(1 / 3, 2 / 3)
    assert collision_cross_entropy(logits, label).item() == pytest.approx(math.log(12 / 7))
    expected = math.log(3) / 4 + 3 * math.log(1.5) / 4
    assert reverse_cross_entropy(logits, label).item() == pytest.approx(expected, abs=1e-5)


def test_collision_with_a_one_hot_label_is_the_likelihood():
    logits, label = torch.randn(2, 5, 3, 3, requires_grad=True), torch.randint(0, 5, (2, 3, 3))
    one_hot = F.one_hot(label, 5).movedim(-1, 1).float()
    soft, hard = collision_cross_entropy(logits, one_hot), F.cross_entropy(logits, label, reduction='none')
    torch.testing.assert_close(soft, hard)
    torch.testing.assert_close(*(torch.autograd.grad(loss.sum(), logits)[0] for loss in (soft, hard)))


def test_a_uniform_label_teaches_collision_nothing():
    """And standard cross entropy something: the difference that the paper makes."""
    logits, uniform = torch.randn(2, 5, 3, 3, dtype=torch.float64, requires_grad=True), torch.full((2, 5, 3, 3), 0.2)
    (grad,) = torch.autograd.grad(collision_cross_entropy(logits, uniform).sum(), logits)
    torch.testing.assert_close(grad, torch.zeros_like(grad), rtol=0, atol=1e-12)
    (grad,) = torch.autograd.grad(F.cross_entropy(logits, uniform.double(), reduction='sum'), logits)
    assert grad.abs().max() > 0.1


def test_collision_is_symmetric():
    a, b = torch.randn(2, 1, 4, 2, 2)
    forth, back = (collision_cross_entropy(x, y.softmax(dim=1)) for x, y in ((a, b), (b, a)))
    torch.testing.assert_close(forth, back)


def test_reverse_is_least_where_the_label_is_sure_of_the_prediction():
    """With y fixed, the prediction that costs least puts all on the label's top class."""
    label = one_pixel(0.2, 0.5, 0.3)
    costs = [reverse_cross_entropy(one_pixel(*z), label).item() for z in ((0.0, 9, 0), (9.0, 0, 0), (0.0, 0, 0))]
    assert costs[0] == min(costs)


@pytest.mark.parametrize('loss', LOSSES)
def test_gradcheck(loss):
    logits = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    label = torch.randn(1, 3, 2, 2, dtype=torch.float64).softmax(dim=1)
    assert gradcheck(lambda z: loss(z, label), logits)


@pytest.mark.parametrize('loss', LOSSES)
def test_large_logits_stay_finite_and_half_precision_is_widened(loss):
    logits = one_pixel(100.0, -100.0).bfloat16().requires_grad_()
    value = loss(logits, one_pixel(0.0, 1.0))
    value.sum().backward()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(200 if loss is collision_cross_entropy else math.log(1e6))
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize('loss', LOSSES)
def test_bad_arguments(loss):
    with pytest.raises(ValueError, match='soft label'):
        loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2))
