"""FixMatch's confident labels."""

import pytest
import torch

from mmseg_ssl.targets import confident


def test_by_hand():
    """Confidences 0.6, 0.95 and 0.5 at threshold 0.95: only the second is kept, and reaching it is enough."""
    probs = torch.tensor([[0.6, 0.05, 0.5], [0.4, 0.95, 0.5]]).reshape(1, 2, 1, 3)
    target = confident(probs, threshold=0.95)
    assert target.label.tolist() == [[[0, 1, 0]]]
    assert target.weight.tolist() == [[[0, 1, 0]]]


def test_threshold_limits():
    """0 keeps every pixel, also a uniform one; 1 keeps certainty alone."""
    probs = torch.rand(1, 3, 4, 4).softmax(dim=1)
    probs[0, :, 0, 0] = torch.tensor([0.0, 1.0, 0.0])
    assert confident(probs, 0).weight.min() == 1
    assert confident(probs, 1).weight.sum() == 1
    assert confident(probs, 1).weight[0, 0, 0] == 1
    assert torch.equal(confident(probs, 1).label, probs.argmax(dim=1))


@pytest.mark.parametrize('threshold', [-0.1, 1.01, 95])
def test_a_threshold_that_is_no_probability(threshold):
    with pytest.raises(ValueError, match='probability'):
        confident(torch.rand(1, 3, 2, 2), threshold)
