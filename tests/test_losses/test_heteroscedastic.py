"""The aleatoric terms: against naive T-copies versions by autograd, limits, gradients, memory."""

import math

import pytest
import torch
import torch.nn.functional as F
from peak_memory import PeakMemory
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import (
    heteroscedastic,
    heteroscedastic_cross_entropy,
    release_aleatoric,
    release_aleatoric_loss,
)

TERMS = (heteroscedastic_cross_entropy, release_aleatoric_loss)


def case(size=(2, 4, 3, 5), dtype=torch.float64, seed=0):
    """Logits, variance and label (every fourth pixel ignored)."""
    generator = torch.Generator().manual_seed(seed)
    batch, classes, height, width = size
    logits = 2 * torch.randn(size, dtype=dtype, generator=generator)
    variance = 0.05 + 2 * torch.rand(batch, 1, height, width, dtype=dtype, generator=generator)
    label = torch.randint(0, classes, (batch, height, width), generator=generator)
    label[torch.rand(label.shape, generator=generator) < 0.25] = 255
    return logits.requires_grad_(), variance.requires_grad_(), label


def noises(logits, count, seed):
    """The noise that the losses draw from a generator with this seed."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(logits.shape, dtype=logits.dtype, generator=generator) for _ in range(count)]


def naive_kendall_gal(logits, variance, label, count, seed):
    """Equation 12 with all T copies held: -log of the mean probability, left to autograd."""
    noisy = torch.stack([logits + variance.sqrt() * noise for noise in noises(logits, count, seed)])
    prob = noisy.softmax(dim=2).gather(2, label.clamp(max=3)[None, :, None].expand(count, -1, -1, -1, -1)).squeeze(2)
    return -prob.mean(dim=0).log().where(label != 255, torch.zeros((), dtype=logits.dtype))


def naive_release(logits, variance, label, count, seed):
    """The public code's steps in its order, sampled without a gradient on the variance."""
    deviation = (variance.sqrt() + 1e-15).detach()
    undistorted = F.cross_entropy(logits, label, ignore_index=255)
    differences = []
    for noise in noises(logits, count, seed):
        distorted = F.cross_entropy(logits + noise * deviation, label, ignore_index=255)
        differences.append(-F.elu(undistorted - distorted))
    ratio = torch.stack(differences).mean()
    return (ratio * undistorted + undistorted + (variance.exp() - 1)).mean()


@pytest.mark.parametrize('count', [1, 2, 10])
def test_kendall_gal_equals_the_naive_version(count):
    """Value and gradients of logits and variance, with an uneven gradient from above."""
    upstream = torch.rand(2, 3, 5, dtype=torch.float64)
    logits, variance, label = case()
    expected = naive_kendall_gal(logits, variance, label, count, seed=3)
    wanted = torch.autograd.grad((expected * upstream).sum(), (logits, variance))
    generator = torch.Generator().manual_seed(3)
    actual = heteroscedastic_cross_entropy(logits, variance, label, count, generator=generator)
    got = torch.autograd.grad((actual * upstream).sum(), (logits, variance))
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-12)
    for one, other in zip(got, wanted):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
        assert other.abs().sum() > 0


@pytest.mark.parametrize('count', [1, 2, 10])
def test_release_equals_the_naive_version(count):
    logits, variance, label = case()
    expected = naive_release(logits, variance, label, count, seed=4)
    wanted = torch.autograd.grad(expected, (logits, variance))
    actual = release_aleatoric_loss(logits, variance, label, count, generator=torch.Generator().manual_seed(4))
    got = torch.autograd.grad(3 * actual, (logits, variance))
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-12)
    for one, other in zip(got, wanted):
        torch.testing.assert_close(one, 3 * other, rtol=1e-9, atol=1e-12)


def test_release_gives_the_variance_no_gradient_but_of_its_own_size():
    """Fact (a) of the public code: what the noise does to the loss does not reach the variance, only e^v / N does."""
    logits, variance, label = case()
    release_aleatoric_loss(logits, variance, label).backward()
    torch.testing.assert_close(variance.grad, variance.detach().exp() / variance.numel())


@pytest.mark.parametrize('variance', [0.0, 1e-6])
def test_without_noise_it_is_cross_entropy(variance):
    """sigma -> 0; also the gradient on the logits, and a finite one on the variance."""
    logits, _, label = case()
    flat = torch.full((2, 1, 3, 5), variance, dtype=torch.float64, requires_grad=True)
    loss = heteroscedastic_cross_entropy(logits, flat, label)
    plain = F.cross_entropy(logits, label, ignore_index=255, reduction='none')
    torch.testing.assert_close(loss, plain, rtol=0, atol=5e-3)  # noise of sigma 1e-3
    (grad,) = torch.autograd.grad(plain.sum(), logits)
    loss.sum().backward()
    torch.testing.assert_close(logits.grad, grad, rtol=0, atol=5e-3)
    assert flat.grad.isfinite().all()
    release = release_aleatoric_loss(logits, torch.zeros_like(flat), label)
    torch.testing.assert_close(release, F.cross_entropy(logits, label, ignore_index=255), rtol=1e-9, atol=0)


def test_gradcheck(monkeypatch):
    """By finite differences, with the noise held still; the release's variance gradient is not that of its value."""
    logits, variance, label = case((1, 3, 2, 2))

    def still(term):
        return lambda z, v: term(z, v, label, 3, generator=torch.Generator().manual_seed(0))

    assert gradcheck(still(heteroscedastic_cross_entropy), (logits, variance))
    assert gradcheck(lambda z: still(release_aleatoric_loss)(z, variance.detach()), (logits,))


def test_what_the_variance_learns():
    """Noise helps a pixel that is wrong and hurts one that is right: gradients of the variance have opposite signs."""
    logits = torch.tensor([4.0, -4.0]).reshape(1, 2, 1, 1).expand(1, 2, 1, 2)
    variance = torch.ones(1, 1, 1, 2, requires_grad=True)
    heteroscedastic_cross_entropy(logits, variance, torch.tensor([[[0, 1]]]), 500).sum().backward()
    right, wrong = variance.grad.flatten()
    assert right > 0 > wrong


@pytest.mark.parametrize('term', TERMS)
def test_ignored_pixels_are_inert(term):
    logits, variance, label = case()
    ignored = label == 255
    value = term(logits, variance, label, generator=torch.Generator().manual_seed(0))
    value.sum().backward()
    grad = logits.grad.permute(0, 2, 3, 1)[ignored]
    assert torch.equal(grad, torch.zeros_like(grad))
    if term is heteroscedastic_cross_entropy:
        assert torch.equal(value[ignored], torch.zeros_like(value[ignored]))
        assert torch.equal(variance.grad[ignored[:, None]], torch.zeros_like(variance.grad[ignored[:, None]]))
    changed = (logits + 5 * ignored[:, None]).detach()
    again = term(changed, variance, label, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(again, value)


@pytest.mark.parametrize('term', TERMS)
def test_all_ignored(term):
    """0 with a zero gradient; of the release only its term on the variance is left."""
    logits, variance, label = case()
    loss = term(logits, variance, torch.full_like(label, 255))
    loss.sum().backward()
    left = variance.detach().exp().sub(1).mean() if term is release_aleatoric_loss else 0
    assert loss.sum().item() == pytest.approx(float(left))
    assert torch.equal(logits.grad, torch.zeros_like(logits))
    assert variance.grad.isfinite().all()


@pytest.mark.parametrize('term', TERMS)
def test_renaming_classes_changes_nothing(term, monkeypatch):
    logits, variance, label = case()
    order = torch.tensor([3, 1, 0, 2])
    renamed = label.where(label == 255, order.argsort()[label.clamp(max=3)])
    noise = noises(logits, 4, 0)
    results = []
    for z, y, draws in ((logits, label, noise), (logits[:, order], renamed, [draw[:, order] for draw in noise])):
        given = iter([draw.clone() for draw in draws])
        for module in (heteroscedastic, release_aleatoric):
            monkeypatch.setattr(module, 'normal_like', lambda *_, given=given, **__: next(given))
        results.append(term(z, variance, y, 4))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize('term', TERMS)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_large_logits_and_variances_stay_finite(term, dtype):
    """Trap 10 of the host: exponentials run in fp32, whatever comes in."""
    logits = (torch.tensor([100.0, -100.0]).reshape(1, 2, 1, 1) * torch.ones(1, 2, 2, 2)).to(dtype).requires_grad_()
    variance = torch.tensor([[[[0.0, 10.0], [1e-12, 5.0]]]]).to(dtype).requires_grad_()
    loss = term(logits, variance, torch.tensor([[[0, 1], [1, 0]]]))
    loss.sum().backward()
    assert loss.dtype == torch.float32
    for values in (loss, logits.grad, variance.grad):
        assert values.isfinite().all()


@pytest.mark.parametrize('term', TERMS)
def test_the_layout_of_the_logits_does_not_matter(term):
    """Channels-last logits meet the same noise as contiguous ones."""
    logits, variance, label = case()
    results = [
        term(z, variance, label, generator=torch.Generator().manual_seed(0))
        for z in (logits, logits.contiguous(memory_format=torch.channels_last))
    ]
    torch.testing.assert_close(*results)


@pytest.mark.parametrize('term', TERMS)
def test_bad_arguments(term):
    logits, variance, label = case()
    with pytest.raises(ValueError, match='Expected variance'):
        term(logits, variance.squeeze(1), label)
    with pytest.raises(ValueError, match='Expected variance'):
        term(logits, variance, label[:1])
    with pytest.raises(ValueError, match='num_samples'):
        term(logits, variance, label, 0)


def peak_in_logits(term, count):
    """Peak of forward and backward, in tensors of the size of the logits, beside the inputs and their gradients."""
    logits, variance, label = case((6, 19, 24, 24), torch.float32)
    with PeakMemory(logits, variance, label) as memory:
        term(logits, variance, label, count).mean().backward()
    return memory.peak / (logits.numel() * logits.element_size())


def test_the_meter_sees_copies():
    """Without it the next test could not fail: five copies of the logits are seen as more than that."""

    def naive(logits, variance, label, count):
        return naive_kendall_gal(logits, variance, label.clamp(max=3), count, 0)

    assert peak_in_logits(naive, 5) > 10


@pytest.mark.parametrize('term', TERMS)
def test_memory_does_not_grow_with_the_samples(term):
    """At most three logit tensors for T = 10, the gradient of the logits included, in the issue's shape (6, 19)."""
    ten = peak_in_logits(term, 10)
    assert ten <= 3
    assert ten == peak_in_logits(term, 2)


def test_a_generator_makes_it_repeatable():
    logits, variance, label = case()
    first, second = (
        heteroscedastic_cross_entropy(logits, variance, label, generator=torch.Generator().manual_seed(s))
        for s in (0, 1)
    )
    assert not torch.equal(first, second)
    assert (first >= -1e-12).all()
    assert math.isfinite(first.sum().item())
