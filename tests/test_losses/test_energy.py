"""Energies: limits, values by hand, loops, gradients."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import energy_loss, energy_reliability, free_energy
from mmseg_ssl.models.losses.energy import ENERGY_MODES

LABEL = torch.tensor([[[0, 2], [255, 1]]])


def some_logits(**options):
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


def test_each_mode_equals_a_loop():
    """The four formulas, pixel by pixel, at a temperature of 2 and with margins -3 and -1."""
    logits = some_logits().detach()
    unreliable = LABEL == 255
    tau, alpha, low, high = 2.0, 0.1, -3.0, -1.0
    joint, squares, inside, outside, weighted, release = [], [], [], [], [], []
    for y in range(2):
        for x in range(2):
            z, label = logits[0, :, y, x].tolist(), int(LABEL[0, y, x])
            energy = -tau * math.log(sum(math.exp(value / tau) for value in z))
            if label == 255:
                outside.append(max(0, high - energy) ** 2)
                continue
            p = math.exp(z[label]) / sum(map(math.exp, z))
            joint.append(-z[label])
            squares.append(sum(value**2 for value in z))
            inside.append(max(0, energy - low) ** 2)
            weighted.append(-math.log(p) / (1 + math.exp(-((low + high) / 2 - energy) / tau)))
            release.append(math.exp(p))
    expected = dict(
        joint=sum(joint) / 3 + alpha * sum(squares) / 3,
        hinge=sum(inside) / 3 + sum(outside) / 1,
        weight=sum(weighted) / 3,
        release=math.log(sum(release)),
    )
    for mode in ENERGY_MODES:
        options = dict(temperature=tau, logit_weight=alpha, margins=(low, high))
        options['unreliable'] = unreliable if mode == 'hinge' else None
        assert energy_loss(logits, LABEL, mode, **options).item() == pytest.approx(expected[mode], rel=1e-9), mode
    assert inside[0] > 0
    assert outside[0] > 0


@pytest.mark.parametrize('mode', ENERGY_MODES)
def test_gradcheck(mode):
    options = dict(margins=(-1.5, -1.0), unreliable=LABEL == 255 if mode == 'hinge' else None)
    if mode == 'weight':  # its weight is a constant: compare with the gradient of the weighted cross entropy
        logits = some_logits()
        energy_loss(logits, LABEL, mode, margins=(-1.5, -1.0)).backward()
        gate = energy_reliability(logits, torch.tensor(-1.25))
        again = some_logits()
        (gate * F.cross_entropy(again, LABEL, ignore_index=255, reduction='none')).sum().div(3).backward()
        torch.testing.assert_close(logits.grad, again.grad)
        return
    assert gradcheck(lambda z: energy_loss(z, LABEL, mode, **options), some_logits())


@pytest.mark.parametrize('mode', ENERGY_MODES)
def test_ignored_pixels_are_inert(mode):
    logits = some_logits()
    loss = energy_loss(logits, LABEL, mode)
    loss.backward()
    assert torch.equal(logits.grad[0, :, 1, 0], torch.zeros(3, dtype=torch.float64))
    changed = logits.detach().clone()
    changed[0, :, 1, 0] += 7
    assert energy_loss(changed, LABEL, mode) == loss


@pytest.mark.parametrize('mode', ENERGY_MODES)
def test_all_ignored_is_zero_with_a_zero_gradient(mode):
    logits = some_logits()
    loss = energy_loss(logits, torch.full((1, 2, 2), 255), mode)
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize('mode', ENERGY_MODES)
def test_renaming_classes_changes_nothing(mode):
    order = torch.tensor([2, 0, 1])
    renamed = LABEL.where(LABEL == 255, order.argsort()[LABEL.clamp(max=2)])
    logits = some_logits().detach()
    torch.testing.assert_close(energy_loss(logits, LABEL, mode), energy_loss(logits[:, order], renamed, mode))


@pytest.mark.parametrize('mode', ENERGY_MODES)
def test_logits_of_a_hundred_stay_finite(mode):
    """Also in half precision (trap 10 of the host): the result is fp32."""
    logits = (torch.tensor([100.0, -100.0, 100.0]).reshape(1, 3, 1, 1) * torch.ones(1, 3, 2, 2)).half().requires_grad_()
    loss = energy_loss(logits, LABEL, mode)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


def test_release_drops_probabilities_that_underflow():
    """exp(-200) is 0 in fp32; the public code drops zeros, so ln(e^(1/2)) = 1/2 is left and not ln(e^(1/2) + e^0)."""
    logits = torch.tensor([[0.0, 200.0], [0.0, 0.0]]).T.reshape(1, 2, 1, 2).requires_grad_()
    loss = energy_loss(logits, torch.tensor([[[0, 0]]]), 'release')
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert logits.grad.isfinite().all()


def test_reliability():
    """One half at the margin, near 1 far below it, near 0 far above; no gradient."""
    logits = torch.tensor([5.0, 40.0, -40.0]).reshape(1, 1, 1, 3).requires_grad_()
    gate = energy_reliability(logits, torch.tensor(-5.0))
    torch.testing.assert_close(gate, torch.tensor([[[0.5, 1.0, 0.0]]]), atol=1e-6, rtol=0)
    assert not gate.requires_grad


def test_bad_arguments():
    with pytest.raises(ValueError, match="joint.*'jem'"):
        energy_loss(some_logits(), LABEL, 'jem')
    with pytest.raises(ValueError, match='label for every pixel'):
        energy_loss(some_logits(), LABEL[:, :1])
