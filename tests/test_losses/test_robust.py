"""Cross entropy that expects wrong labels."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg_ssl.models.losses import robust_cross_entropy


def test_hand_derived_value():
    """sigma = (1/2, 1/4, 1/4), label 0, rate 0.4: (1 - 3 * 0.4 / 2) / 2 + 0.4 / 2 = 0.2 + 0.2."""
    logits = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64).log().view(1, 3, 1, 1)
    loss = robust_cross_entropy(logits, torch.zeros(1, 1, 1, dtype=torch.int64), 0.4)
    assert loss.item() == pytest.approx(-math.log(0.4), rel=1e-12)


def test_the_rate_of_voc():
    """0.944 of 21 classes: a label that the network is sure of costs -ln(1 - 0.944), a wrong one ln(20 / 0.944)."""
    logits = torch.zeros(1, 21, 1, 2, dtype=torch.float64)
    logits[:, 3] = 200
    loss = robust_cross_entropy(logits, torch.tensor([[[3, 4]]]), 0.944)[0, 0]
    assert loss.tolist() == pytest.approx([-math.log(0.056), math.log(20 / 0.944)], rel=1e-9)


def test_without_errors_it_is_cross_entropy():
    logits, label = torch.randn(2, 3, 4, 4, dtype=torch.float64), torch.randint(0, 3, (2, 4, 4))
    label[:, 0] = 255
    expected = F.cross_entropy(logits, label, ignore_index=255, reduction='none')
    torch.testing.assert_close(robust_cross_entropy(logits, label, 0.0), expected)
    torch.testing.assert_close(robust_cross_entropy(logits, label, 1e-13), expected)


@pytest.mark.parametrize('rate', [0.0, 0.3, 0.6])
def test_gradient(rate):
    logits = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    label = torch.tensor([[[0, 1], [2, 255]]])
    assert torch.autograd.gradcheck(lambda z: robust_cross_entropy(z, label, rate), logits)
    (grad,) = torch.autograd.grad(robust_cross_entropy(logits, label, rate).sum(), logits)
    assert grad[..., 1, 1].abs().max() == 0


def test_a_label_that_the_network_is_sure_to_be_wrong_teaches_nothing():
    logits = torch.tensor([100.0, -100.0]).view(1, 2, 1, 1).requires_grad_()
    loss = robust_cross_entropy(logits, torch.ones(1, 1, 1, dtype=torch.int64), 0.1)
    loss.sum().backward()
    assert loss.item() == pytest.approx(math.log(10))
    assert logits.grad.abs().max() < 1e-30
    assert robust_cross_entropy(logits.bfloat16(), torch.ones(1, 1, 1, dtype=torch.int64), 0.1).dtype == torch.float32


@pytest.mark.parametrize('rate', [-0.1, 2 / 3, 0.944])
def test_a_rate_without_information_is_refused(rate):
    with pytest.raises(ValueError, match='below 1 - 1 / C = 0.6667'):
        robust_cross_entropy(torch.zeros(1, 3, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64), rate)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r'Expected labels \(1, 2, 2\)'):
        robust_cross_entropy(torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 1, dtype=torch.int64), 0.1)


class HostConstants(TorchDispatchMode):
    """Finds constants made on the host, whose copy to a GPU waits for it."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert function.overloadpacket.__name__ != 'lift_fresh'
        return function(*args, **(kwargs or {}))


def test_a_gpu_is_not_waited_for():
    with HostConstants():
        robust_cross_entropy(torch.zeros(1, 3, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64), 0.3)
