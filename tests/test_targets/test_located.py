"""ELN's targets: the argmax where a judge believes it."""

import pytest
import torch

from mmseg_ssl.targets import confident, located


def test_by_hand():
    """Correctness 0.4, 0.5, 0.51 rounds to 0, 0, 1, whatever the confidence."""
    probs = torch.tensor([[0.9, 0.2, 0.5], [0.1, 0.8, 0.5]]).reshape(1, 2, 1, 3)
    target = located(probs, torch.tensor([[[0.4, 0.5, 0.51]]]), threshold=0.5)
    assert target.label.tolist() == [[[0, 1, 0]]]
    assert target.weight.tolist() == [[[0, 0, 1]]]


def test_threshold_one_half_is_round():
    probs, correctness = torch.rand(2, 3, 5, 5).softmax(dim=1), torch.rand(2, 5, 5)
    assert torch.equal(located(probs, correctness).weight, correctness.round())


def test_limits():
    """1 keeps none, 0 all that are possible; judged by its own confidence it is the confidence threshold."""
    probs = torch.randn(2, 3, 5, 5).softmax(dim=1)
    assert located(probs, torch.ones(2, 5, 5), 1.0).weight.sum() == 0
    assert located(probs, torch.full((2, 5, 5), 0.01), 0.0).weight.min() == 1
    own, expected = located(probs, probs.amax(dim=1), 0.6), confident(probs, 0.6)
    assert torch.equal(own.label, expected.label) and torch.equal(own.weight, expected.weight)


def test_nothing_is_differentiated():
    probs = torch.rand(1, 2, 2, 2, requires_grad=True)
    assert not located(probs, probs[:, 0], 0.5).weight.requires_grad


def test_errors():
    probs = torch.rand(1, 3, 4, 4)
    with pytest.raises(ValueError, match='probability'):
        located(probs, probs[:, 0], 50)
    with pytest.raises(ValueError, match='squeeze'):
        located(probs, probs[:, :1], 0.5)
