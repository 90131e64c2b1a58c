"""``masked_mean`` and ``normalized_entropy``."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from mmseg_ssl.ops import masked_mean, normalized_entropy


def test_masked_mean_by_hand():
    """(1 + 3) / 2 = 2 over the first two; weighted by 1, 3: (1 + 9) / 4 = 2.5."""
    values = torch.tensor([1.0, 3.0, 9.0])
    assert masked_mean(values, torch.tensor([True, True, False])) == 2
    assert masked_mean(values, torch.tensor([1.0, 3.0, 0.0])) == 2.5
    assert masked_mean(values, torch.ones(3)) == values.mean()


def test_an_empty_mask_gives_zero_and_a_zero_gradient():
    values = torch.randn(2, 3, requires_grad=True)
    mean = masked_mean(values, torch.zeros(2, 3, dtype=torch.bool))
    mean.backward()
    assert mean == 0
    assert torch.equal(values.grad, torch.zeros(2, 3))


@pytest.mark.parametrize('bad', [math.inf, -math.inf, math.nan])
def test_values_outside_the_mask_are_inert(bad):
    values = torch.tensor([1.0, bad, 3.0], requires_grad=True)
    mean = masked_mean(values, torch.tensor([True, False, True]))
    mean.backward()
    assert mean == 2
    assert values.grad.tolist() == [0.5, 0, 0.5]


def test_masked_mean_gradcheck():
    values = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(masked_mean, (values, torch.rand(3, 4, dtype=torch.float64)))


def test_masked_mean_does_not_broadcast():
    with pytest.raises(ValueError, match=r'expected \(2, 1, 3\), got \(2, 3\)'):
        masked_mean(torch.zeros(2, 1, 3), torch.ones(2, 3))


def test_entropy_limits():
    """0 for one-hot, 1 for uniform; for p = (1/2, 1/4, 1/4): 1.5 ln 2 / ln 3."""
    probs = torch.tensor([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]])
    expected = torch.tensor([0, 1, 1.5 * math.log(2) / math.log(3)])
    torch.testing.assert_close(normalized_entropy(probs), expected)


def test_entropy_does_not_care_about_the_order_of_classes():
    probs = torch.randn(2, 5, 3, 3).softmax(dim=1)
    torch.testing.assert_close(normalized_entropy(probs), normalized_entropy(probs.flip(1)))


def test_entropy_gradcheck():
    logits = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda z: normalized_entropy(z.softmax(dim=1)), logits)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(dtype):
    """Trap 10 of the host: entropies run in fp32; near-zero probabilities must not become NaN."""
    probs = torch.randn(1, 19, 4, 4).mul(30).softmax(dim=1)
    entropy = normalized_entropy(probs.to(dtype))
    assert entropy.dtype == torch.float32
    torch.testing.assert_close(entropy, normalized_entropy(probs.to(dtype).float()))
    assert entropy.isfinite().all()


def test_entropy_of_one_class_is_refused():
    with pytest.raises(ValueError, match='at least 2 classes'):
        normalized_entropy(torch.ones(2, 1, 3, 3))
