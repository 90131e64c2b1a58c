"""``masked_mean``, and the weights of pixels and classes."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from mmseg_ssl.ops import class_rarity, entropy_reliability, masked_mean, normalized_entropy


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


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_masked_mean_of_more_pixels_than_half_precision_counts(dtype):
    """70000 halves: fp16 ends at 65504, so their number was infinite and their mean 0."""
    values = torch.full((70_000,), 0.5, dtype=dtype)
    assert torch.equal(masked_mean(values, torch.ones_like(values, dtype=torch.bool)), torch.tensor(0.5))


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


@pytest.mark.parametrize('exponent', [0.5, 1.0, 2.0])
def test_reliability_limits(exponent):
    """A one-hot teacher counts 1; a uniform one 0 (linear) or C^-a (exponential)."""
    probs = torch.tensor([[1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    linear = entropy_reliability(probs, 'linear', exponent)
    torch.testing.assert_close(linear, torch.tensor([1.0, 0.0]))
    exponential = entropy_reliability(probs, 'exponential', exponent)
    torch.testing.assert_close(exponential, torch.tensor([1, 4**-exponent]))
    assert entropy_reliability(probs, 'none', exponent).tolist() == [1, 1]


def test_reliability_by_hand():
    """p = (1/2, 1/4, 1/4): H = 1.5 ln 2, so exp(-H) = 2^-1.5, and 1 - H / ln 3."""
    probs = torch.tensor([[0.5, 0.25, 0.25]])
    share = 1.5 * math.log(2) / math.log(3)
    torch.testing.assert_close(entropy_reliability(probs), torch.tensor([1 - share]))
    torch.testing.assert_close(entropy_reliability(probs, 'linear', 2), torch.tensor([(1 - share) ** 2]))
    torch.testing.assert_close(entropy_reliability(probs, 'exponential', 1), torch.tensor([2**-1.5]))


@pytest.mark.parametrize('form', ['linear', 'exponential', 'none'])
def test_reliability_falls_with_the_entropy_and_has_no_gradient(form):
    logits = torch.randn(2, 5, 3, 3, requires_grad=True)
    sure, unsure = (entropy_reliability((scale * logits).softmax(dim=1), form) for scale in (3, 1))
    assert sure.shape == (2, 3, 3) and not sure.requires_grad
    assert ((sure > unsure) | (form == 'none')).all()
    assert entropy_reliability(torch.rand(1, 4, 2, 2).half(), form).dtype == torch.float32


def test_unknown_reliabilities():
    with pytest.raises(ValueError, match="form must be one of .*'linear', 'exponential', 'none'.*got 'hard'"):
        entropy_reliability(torch.ones(1, 2), 'hard')
    with pytest.raises(ValueError, match='exponent >= 0'):
        entropy_reliability(torch.ones(1, 2), 'linear', -1)


def test_rarity_by_hand():
    """Shares 0.64, 0.32, 0.04 of C = 3: with g = 1/2 (1 / 3f)^g = 0.7217, 1.0206, 2.8868. Bounds 0.9 and 2 make that
    0.9, 1.0206, 2, of mean 1.3069.
    """
    raw = torch.tensor([(1 / (3 * f)) ** 0.5 for f in (0.64, 0.32, 0.04)])
    frequency = torch.tensor([0.64, 0.32, 0.04])
    torch.testing.assert_close(class_rarity(frequency, 0.5, 0.0, 10.0), raw / raw.mean())
    bounded = torch.tensor([0.9, raw[1], 2.0])
    torch.testing.assert_close(class_rarity(frequency, 0.5, 0.9, 2.0), bounded / bounded.mean())


@pytest.mark.parametrize('exponent', [0.0, 0.5, 1.0])
def test_balanced_frequencies_give_one(exponent):
    """Also where only some of the classes are there; and a zero exponent gives 1 whatever they are."""
    torch.testing.assert_close(class_rarity(torch.full((7,), 1 / 7), exponent, 0.5, 5.0), torch.ones(7))
    some = torch.tensor([0.25, 0.25, 0.0, 0.25, 0.25])
    torch.testing.assert_close(class_rarity(some, exponent)[some > 0], torch.ones(4))
    torch.testing.assert_close(class_rarity(torch.rand(6).softmax(0), 0.0), torch.ones(6))


def test_rarity_of_absent_classes_and_of_nothing():
    """They weigh as the floor, have no part in the mean, and nothing is infinite."""
    frequency = torch.tensor([0.9, 0.1, 0.0])
    rarity = class_rarity(frequency, 1.0, 0.0, math.inf)
    assert rarity[:2].mean() == 1
    assert rarity[2] / rarity[0] == pytest.approx(0.9 / 1e-4)
    assert class_rarity(torch.zeros(3), 1.0, 0.0, math.inf).isfinite().all()


def test_exponent_one_is_the_inverse_frequency():
    """CW-BASS-v2: total / (K count_c), set to mean 1. All classes then have the same total weight."""
    counts = torch.tensor([500.0, 40.0, 7.0, 1.0])
    inverse = counts.sum() / (4 * counts)
    rarity = class_rarity(counts / counts.sum(), 1.0, 0.0, math.inf)
    torch.testing.assert_close(rarity, inverse / inverse.mean())
    torch.testing.assert_close(rarity * counts, (rarity * counts)[0].expand(4))


def test_rarity_does_not_care_about_the_names_of_classes():
    frequency, order = torch.randn(9).softmax(0), torch.randperm(9)
    torch.testing.assert_close(class_rarity(frequency)[order], class_rarity(frequency[order]))


@pytest.mark.parametrize('wrong', [dict(exponent=-1), dict(low=2.0, high=1.0), dict(low=-1), dict(floor=0)])
def test_rarity_out_of_range(wrong):
    with pytest.raises(ValueError, match='class_rarity needs'):
        class_rarity(torch.ones(3) / 3, **wrong)
    with pytest.raises(ValueError, match=r'got shape \(2, 3\)'):
        class_rarity(torch.ones(2, 3))
