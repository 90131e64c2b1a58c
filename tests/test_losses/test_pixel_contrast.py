"""ELN's contrast between pixels (eq. 10)."""

import math

import pytest
import torch
import torch.nn.functional as F
from peak_memory import PeakMemory
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import fused_contrast, pixel_contrast
from mmseg_ssl.ops import sample_per_class

FORMS = ('sum', 'mean', 'log_sum')


def slow(anchors, keys, anchor_labels, key_labels, temperature):
    """Eq. 10 as written, in loops."""

    def d(a, b):
        return math.exp(float(a @ b / a.norm() / b.norm()) / temperature)

    total, count = 0.0, 0
    for f, y in zip(anchors, anchor_labels.tolist()):
        if y == 255:
            continue
        count += 1
        negatives = sum(d(f, g) for g, k in zip(keys, key_labels.tolist()) if k not in (y, 255))
        for g, k in zip(keys, key_labels.tolist()):
            if k == y:
                total -= math.log(d(f, g) / (d(f, g) + negatives))
    return total / count


def test_by_hand():
    """One anchor e1 of class 0; keys e1 (class 0), e2 (class 1), cosines 1 and 0, tau 1:
    -ln(e / (e + 1)) = ln(1 + 1/e).
    """
    anchor, keys = torch.tensor([[3.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 7.0]])
    loss = pixel_contrast(anchor, keys, torch.tensor([0]), torch.tensor([0, 1]), temperature=1.0)
    torch.testing.assert_close(loss, torch.tensor(math.log(1 + math.exp(-1))))


def test_equals_the_loop():
    anchors, keys = torch.randn(20, 5), torch.randn(30, 5)
    anchor_labels, key_labels = torch.randint(0, 4, (20,)), torch.randint(0, 4, (30,))
    anchor_labels[:4], key_labels[-5:] = 255, 255
    expected = torch.tensor(slow(anchors, keys, anchor_labels, key_labels, 0.5))
    torch.testing.assert_close(pixel_contrast(anchors, keys, anchor_labels, key_labels, 0.5), expected)


def test_equals_the_loop_when_all_pixels_are_sampled():
    """Sampling as many pixels of a class as there are is eq. 10 itself."""
    anchors, keys, labels = torch.randn(25, 4), torch.randn(25, 4), torch.randint(0, 3, (25,))
    labels[:6] = 255
    drawn, partners = sample_per_class(labels, 25), sample_per_class(labels, 25)
    loss = pixel_contrast(anchors[drawn], keys[partners], labels[drawn], labels[partners], 0.5)
    torch.testing.assert_close(loss, torch.tensor(slow(anchors, keys, labels, labels, 0.5)))


def test_the_mean_over_positives_does_not_grow_with_the_keys():
    anchors, keys = torch.randn(6, 4), torch.randn(8, 4)
    labels, key_labels = torch.randint(0, 2, (6,)), torch.arange(8) % 2
    one = pixel_contrast(anchors, keys, labels, key_labels, 0.5, positives='mean')
    summed = pixel_contrast(anchors, keys, labels, key_labels, 0.5)
    torch.testing.assert_close(summed, 4 * one)  # four positives an anchor


def slow_log_sum(anchors, keys, anchor_labels, key_labels, temperature):
    """The public code's form in loops: L_c = -(1 / n_c) ln (P_c / (P_c + N_c)), the mean over classes."""
    d = (F.normalize(anchors, dim=1) @ F.normalize(keys, dim=1).T / temperature).exp().tolist()
    terms = []
    for c in set(anchor_labels.tolist()) - {255}:
        members = [i for i, y in enumerate(anchor_labels.tolist()) if y == c]
        good = sum(d[i][j] for i in members for j, y in enumerate(key_labels.tolist()) if y == c)
        bad = sum(d[i][j] for i in members for j, y in enumerate(key_labels.tolist()) if y not in (c, 255))
        if good:
            terms.append(-math.log(good / (good + bad)) / len(members))
    return sum(terms) / len(terms)


def test_the_public_code_s_form():
    """Equal to the loop, with a class that has no key."""
    anchors, keys = torch.randn(20, 5), torch.randn(30, 5)
    anchor_labels, key_labels = torch.randint(0, 4, (20,)), torch.randint(0, 4, (30,))
    anchor_labels[:4], key_labels[-5:], anchor_labels[5] = 255, 255, 9
    loss = pixel_contrast(anchors, keys, anchor_labels, key_labels, 0.5, positives='log_sum')
    torch.testing.assert_close(loss, torch.tensor(slow_log_sum(anchors, keys, anchor_labels, key_labels, 0.5)))


def test_invariances():
    """Length of the embeddings, names of the classes, order of the keys, and pixels that are not used."""
    anchors, keys = torch.randn(9, 4), torch.randn(12, 4)
    labels, key_labels = torch.randint(0, 3, (9,)), torch.randint(0, 3, (12,))
    base = pixel_contrast(anchors, keys, labels, key_labels, 0.5)
    order, names = torch.randperm(12), torch.tensor([2, 0, 1])
    torch.testing.assert_close(pixel_contrast(3 * anchors, keys[order], labels, key_labels[order], 0.5), base)
    torch.testing.assert_close(pixel_contrast(anchors, keys, names[labels], names[key_labels], 0.5), base)
    more = torch.cat([keys, torch.randn(3, 4)]), torch.cat([key_labels, torch.full((3,), 255)])
    torch.testing.assert_close(pixel_contrast(anchors, more[0], labels, more[1], 0.5), base)


@pytest.mark.parametrize('positives', FORMS)
def test_blocks_do_not_change_it(positives, monkeypatch):
    """One row of anchors at a time, three, or all at once: the same loss and gradients."""
    labels, key_labels = torch.randint(0, 3, (7,)), torch.randint(0, 4, (9,))
    found = []
    for pairs in (1, 3 * 9, 10**6):
        monkeypatch.setattr(fused_contrast, 'PAIRS', pairs)
        torch.manual_seed(1)
        anchors, keys = (torch.randn(n, 4, dtype=torch.float64, requires_grad=True) for n in (7, 9))
        loss = pixel_contrast(anchors, keys, labels, key_labels, 0.5, positives)
        found.append((loss, *torch.autograd.grad(3 * loss, (anchors, keys))))
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[0], found[2])


@pytest.mark.parametrize('positives', FORMS)
def test_no_matrix_of_pairs(positives, monkeypatch):
    """Ten thousand pairs at a time: the 4 MB of a million are never held, and little is kept for backward."""
    monkeypatch.setattr(fused_contrast, 'PAIRS', 10_000)
    anchors, keys = (torch.randn(1000, 2, requires_grad=True) for _ in range(2))
    labels = torch.randint(0, 3, (1000,))
    with PeakMemory(anchors, keys, labels) as memory:
        loss = pixel_contrast(anchors, keys, labels, labels, 0.5, positives)
        kept = sum(size for _, size in memory.live.values())
        loss.backward()
    assert kept < 400_000 and memory.peak < 2_500_000


@pytest.mark.parametrize(
    ('labels', 'key_labels'),
    [([0, 0], [0, 0]), ([0, 0], [1, 1]), ([255, 255], [0, 1]), ([0, 1], [255, 255]), ([], [0]), ([0], []), ([], [])],
    ids=['no negative', 'no positive', 'no anchor', 'no key', 'empty anchors', 'empty keys', 'empty'],
)
@pytest.mark.parametrize('positives', FORMS)
def test_nothing_to_teach(labels, key_labels, positives):
    """Loss 0 and gradient exactly 0 where a term is missing."""
    anchors = torch.randn(len(labels), 3, requires_grad=True)
    keys = torch.randn(len(key_labels), 3, requires_grad=True)
    loss = pixel_contrast(anchors, keys, torch.tensor(labels).long(), torch.tensor(key_labels).long(), 0.5, positives)
    assert loss == 0
    loss.backward()
    assert torch.equal(anchors.grad, torch.zeros_like(anchors))
    assert torch.equal(keys.grad, torch.zeros_like(keys))


@pytest.mark.parametrize('positives', FORMS)
def test_gradcheck_with_a_class_of_one_pixel(positives):
    anchors = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    keys = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    labels, key_labels = torch.tensor([0, 1, 1, 255]), torch.tensor([0, 1, 1, 255, 2])
    assert gradcheck(lambda a, k: pixel_contrast(a, k, labels, key_labels, 0.5, positives), (anchors, keys))


@pytest.mark.parametrize('positives', FORMS)
@pytest.mark.parametrize('sign', [1, -1])
def test_small_temperature_stays_finite(positives, sign):
    """Similarities of +-100, whose exponentials fp32 does not have, and one that an infinite sum must not spoil."""
    anchors = torch.randn(4, 3, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 255])
    loss = pixel_contrast(anchors, sign * anchors.detach(), labels, labels, 1e-2, positives)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(anchors.grad).all()


def test_errors():
    a, y = torch.zeros(2, 3), torch.zeros(2).long()
    with pytest.raises(ValueError, match='temperature'):
        pixel_contrast(a, a, y, y, 0.0)
    with pytest.raises(ValueError, match='labels'):
        pixel_contrast(a, a, y[:1], y, 0.5)
