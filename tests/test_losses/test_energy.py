"""Energies: limits, values by hand, loops, gradients."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import (
    energy_reliability,
    free_energy,
    hinge_energy_loss,
    joint_energy_loss,
    release_energy_loss,
)

LABEL = torch.tensor([[[0, 2], [255, 1]]])
LOSSES = dict(
    joint=joint_energy_loss,
    hinge=lambda logits, label: hinge_energy_loss(logits, label, margins=(-1.5, -1.0)),
    release=release_energy_loss,
)
every_loss = pytest.mark.parametrize('loss_of', LOSSES.values(), ids=LOSSES)


def some_logits():
    return torch.randn(1, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


def test_free_energy_by_hand():
    """C equal logits z: E = -z - tau ln C. And CE = -z_y - E at temperature 1 (JEM's identity)."""
    flat = torch.full((1, 4, 1, 1), 2.0)
    torch.testing.assert_close(free_energy(flat), torch.tensor([[[-2 - math.log(4)]]]))
    torch.testing.assert_close(free_energy(flat, 0.5), torch.tensor([[[-2 - 0.5 * math.log(4)]]]))
    logits, label = torch.randn(2, 5, 3, 3), torch.randint(0, 5, (2, 3, 3))
    joint = -logits.gather(1, label[:, None]).squeeze(1)
    torch.testing.assert_close(F.cross_entropy(logits, label, reduction='none'), joint - free_energy(logits))


def test_a_low_temperature_is_the_largest_logit():
    logits = torch.randn(2, 5, 3, 3)
    torch.testing.assert_close(free_energy(logits, 1e-3), -logits.amax(dim=1), atol=2e-3, rtol=0)


def test_each_loss_equals_a_loop():
    """The three formulas, pixel by pixel, with margins -3 and 1."""
    logits = some_logits().detach()
    alpha, low, high = 0.1, -3.0, 1.0
    joint, squares, inside, outside, release = [], [], [], [], []
    for y in range(2):
        for x in range(2):
            z, label = logits[0, :, y, x].tolist(), int(LABEL[0, y, x])
            energy = -math.log(sum(map(math.exp, z)))
            if label == 255:
                outside.append(max(0, high - energy) ** 2)
                continue
            joint.append(-z[label])
            squares.append(sum(value**2 for value in z))
            inside.append(max(0, energy - low) ** 2)
            release.append(math.exp(math.exp(z[label]) / sum(map(math.exp, z))))
    assert inside[0] > 0
    assert outside[0] > 0
    actual = joint_energy_loss(logits, LABEL, alpha)
    assert actual.item() == pytest.approx(sum(joint) / 3 + alpha * sum(squares) / 3, rel=1e-9)
    assert release_energy_loss(logits, LABEL).item() == pytest.approx(math.log(sum(release)), rel=1e-9)
    actual = hinge_energy_loss(logits, LABEL, (low, high), unreliable=LABEL == 255)
    assert actual.item() == pytest.approx(sum(inside) / 3 + sum(outside) / 1, rel=1e-9)
    assert hinge_energy_loss(logits, LABEL, (low, high)).item() == pytest.approx(sum(inside) / 3, rel=1e-9)


@every_loss
def test_gradcheck(loss_of):
    assert gradcheck(lambda z: loss_of(z, LABEL), some_logits())


def test_gradcheck_of_unreliable_pixels():
    assert gradcheck(lambda z: hinge_energy_loss(z, LABEL, (-1.5, -1.0), LABEL == 255), some_logits())


@every_loss
def test_ignored_pixels_are_inert(loss_of):
    logits = some_logits()
    loss = loss_of(logits, LABEL)
    loss.backward()
    assert torch.equal(logits.grad[0, :, 1, 0], torch.zeros(3, dtype=torch.float64))
    changed = logits.detach().clone()
    changed[0, :, 1, 0] += 7
    assert loss_of(changed, LABEL) == loss


@every_loss
def test_all_ignored_is_zero_with_a_zero_gradient(loss_of):
    logits = some_logits()
    loss = loss_of(logits, torch.full((1, 2, 2), 255))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@every_loss
def test_renaming_classes_changes_nothing(loss_of):
    order = torch.tensor([2, 0, 1])
    renamed = LABEL.where(LABEL == 255, order.argsort()[LABEL.clamp(max=2)])
    logits = some_logits().detach()
    torch.testing.assert_close(loss_of(logits, LABEL), loss_of(logits[:, order], renamed))


@every_loss
def test_logits_of_a_hundred_stay_finite(loss_of):
    """Also in half precision (trap 10 of the host): the result is fp32."""
    logits = (torch.tensor([100.0, -100.0, 100.0]).reshape(1, 3, 1, 1) * torch.ones(1, 3, 2, 2)).half().requires_grad_()
    loss = loss_of(logits, LABEL)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


def test_release_drops_probabilities_that_underflow():
    """exp(-200) is 0 in fp32; the public code drops zeros, so ln(e^(1/2)) = 1/2 is left and not ln(e^(1/2) + e^0)."""
    logits = torch.tensor([[0.0, 200.0], [0.0, 0.0]]).T.reshape(1, 2, 1, 2).requires_grad_()
    loss = release_energy_loss(logits, torch.tensor([[[0, 0]]]))
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert logits.grad.isfinite().all()


def test_reliability():
    """One half at the margin, near 1 far below it, near 0 far above; no gradient."""
    logits = torch.tensor([5.0, 40.0, -40.0]).reshape(1, 1, 1, 3).requires_grad_()
    gate = energy_reliability(logits, torch.tensor(-5.0))
    torch.testing.assert_close(gate, torch.tensor([[[0.5, 1.0, 0.0]]]), atol=1e-6, rtol=0)
    assert not gate.requires_grad


def test_reliability_of_a_temperature():
    """One class: E = -z at any temperature; 3 above the margin at temperature 2 is sigmoid(-3 / 2)."""
    gate = energy_reliability(torch.tensor([[[[2.0]]]]), margin=-5.0, temperature=2.0)
    assert gate.item() == pytest.approx(1 / (1 + math.exp(1.5)))


@every_loss
def test_shapes_that_differ_are_refused(loss_of):
    with pytest.raises(ValueError, match='label for every pixel'):
        loss_of(some_logits(), LABEL[:, :1])
