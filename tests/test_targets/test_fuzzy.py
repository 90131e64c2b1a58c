"""FARCLUSS's soft labels."""

import pytest
import torch
import torch.nn.functional as F

from mmseg_ssl.models.losses import pixel_cross_entropy
from mmseg_ssl.targets import fuzzy_cumulative, fuzzy_topk


def draw(*shape: int) -> torch.Tensor:
    return (3 * torch.randn(*shape)).softmax(dim=1)


def pixel(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, -1, 1, 1)


def slow(probs, keep):
    """The definition, pixel by pixel; ``keep(shares, largest first)`` says how many classes stay."""
    label = torch.zeros_like(probs)
    for b in range(len(probs)):
        for y in range(probs.shape[2]):
            for x in range(probs.shape[3]):
                shares = sorted(((float(q), c) for c, q in enumerate(probs[b, :, y, x])), reverse=True)
                kept = shares[: keep([q for q, _ in shares])]
                for q, c in kept:
                    label[b, c, y, x] = q / sum(q for q, _ in kept)
    return label


def fewest(mass):
    return lambda shares: next((n for n in range(1, len(shares)) if sum(shares[:n]) >= mass), len(shares))


def test_by_hand():
    """Of 0.5, 0.3, 0.2 two stay: 5/8 and 3/8; 0.8 of the mass holds 0.75, and all three are needed for 0.85."""
    probs = pixel(0.3, 0.2, 0.5)
    two = torch.tensor([3 / 8, 0, 5 / 8])
    torch.testing.assert_close(fuzzy_topk(probs, 2).label.flatten(), two)
    torch.testing.assert_close(fuzzy_cumulative(probs, 0.75).label.flatten(), two)
    torch.testing.assert_close(fuzzy_cumulative(probs, 0.85).label, probs)
    assert fuzzy_topk(probs, 1).label.flatten().tolist() == [0, 0, 1]
    assert fuzzy_cumulative(probs, 0.5).label.flatten().tolist() == [0, 0, 1]


@pytest.mark.parametrize('k', [1, 2, 5])
def test_topk_equals_the_loop(k):
    probs = draw(2, 5, 3, 4)
    torch.testing.assert_close(fuzzy_topk(probs, k).label, slow(probs, lambda shares: k))


@pytest.mark.parametrize('mass', [0.3, 0.9, 0.999])
def test_cumulative_equals_the_loop(mass):
    probs = draw(2, 5, 3, 4)
    torch.testing.assert_close(fuzzy_cumulative(probs, mass).label, slow(probs, fewest(mass)))


@pytest.mark.parametrize('make', [lambda p: fuzzy_topk(p, 3), lambda p: fuzzy_cumulative(p, 0.9)])
def test_labels_are_distributions_of_weight_one(make):
    """Also of uniform, one-hot and half-precision pixels; the order of the classes does not matter."""
    probs = draw(2, 6, 4, 4)
    probs[0, :, 0, 0] = 1 / 6
    probs[0, :, 0, 1] = F.one_hot(torch.tensor(2), 6)
    for given in (probs, probs.half(), probs.bfloat16(), probs.double()):
        label, weight = make(given)
        torch.testing.assert_close(label.sum(dim=1), torch.ones_like(weight))
        assert (label >= 0).all()
        assert torch.equal(weight, torch.ones_like(weight))
        assert label.dtype == (torch.float64 if given.dtype == torch.float64 else torch.float32)
    label = make(probs).label
    assert torch.equal(label[0, :, 0, 1], probs[0, :, 0, 1])
    order = torch.randperm(6)
    renamed = make(probs[:, order]).label
    unique = torch.ones(2, 4, 4, dtype=torch.bool)
    unique[0, 0, 0] = False  # of six equal classes, any
    torch.testing.assert_close(renamed.movedim(1, -1)[unique], label[:, order].movedim(1, -1)[unique])


def test_a_uniform_pixel_keeps_k_classes():
    """Whatever ties there are, never more than k."""
    label = fuzzy_topk(torch.full((1, 7, 1, 1), 1 / 7), 3).label.flatten()
    assert sorted(label.tolist()) == pytest.approx([0] * 4 + [1 / 3] * 3)


def test_one_class_is_hard_cross_entropy():
    probs, logits = draw(2, 5, 3, 3), torch.randn(2, 5, 3, 3)
    loss = pixel_cross_entropy(logits, fuzzy_topk(probs, 1))
    torch.testing.assert_close(loss, F.cross_entropy(logits, probs.argmax(dim=1), reduction='none'))


def test_all_classes_are_the_distribution():
    probs = draw(2, 5, 3, 3)
    torch.testing.assert_close(fuzzy_topk(probs, 5).label, probs)
    torch.testing.assert_close(fuzzy_cumulative(probs, 1.0).label, probs)


def test_the_label_has_no_gradient():
    logits = torch.randn(1, 4, 2, 2, requires_grad=True)
    assert not fuzzy_topk(logits.softmax(dim=1), 2).label.requires_grad


def test_more_classes_than_there_are():
    """All are kept, so that a default for many classes serves two, too."""
    probs = draw(1, 2, 3, 3)
    torch.testing.assert_close(fuzzy_topk(probs, 3).label, probs)


@pytest.mark.parametrize('k', [0, -1])
def test_no_class_at_all(k):
    with pytest.raises(ValueError, match=f'at least 1 class, got k={k}'):
        fuzzy_topk(draw(1, 3, 2, 2), k)


def test_shares_that_are_none():
    for mass in (0, 1.1):
        with pytest.raises(ValueError, match=r'share of the probability in \(0, 1\]'):
            fuzzy_cumulative(draw(1, 3, 2, 2), mass)
