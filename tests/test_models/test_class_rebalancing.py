"""``ClassRebalancing``: running frequencies of what is taught."""

import pytest
import torch
import torch.nn.functional as F

from mmseg_ssl.models import ClassRebalancing
from mmseg_ssl.ops import class_rarity
from mmseg_ssl.structures import PixelTarget


def draw(classes: int = 4) -> tuple:
    return torch.randn(2, classes, 5, 6).softmax(dim=1), torch.rand(2, 5, 6) < 0.7


def weigh(rebalancing, label) -> torch.Tensor:
    """Weights of pixels that had weight one."""
    return rebalancing(PixelTarget(label, torch.ones_like(label[:, 0]))).weight


def share(label, valid, hard=False):
    """Frequencies of a batch, pixel by pixel."""
    counts = torch.zeros(label.shape[1])
    for b, y, x in valid.nonzero().tolist():
        pixel = label[b, :, y, x]
        counts += F.one_hot(pixel.argmax(), len(pixel)) if hard else pixel
    return counts / counts.sum()


@pytest.mark.parametrize('counts', ['soft', 'hard'])
def test_frequencies_are_running_means(counts):
    """Share max(1 / (t + 1), 0.3) of the new batch: 1, 1/2, 1/3, 0.3."""
    rebalancing, expected = ClassRebalancing(4, momentum=0.3, counts=counts), torch.zeros(4)
    for new in (1, 1 / 2, 1 / 3, 0.3):
        label, valid = draw()
        rebalancing.update(label, valid)
        expected = (1 - new) * expected + new * share(label, valid, counts == 'hard')
        torch.testing.assert_close(rebalancing.frequency, expected)


def test_momentum_one_is_the_batch_alone():
    rebalancing = ClassRebalancing(4, momentum=1.0)
    for _ in range(3):
        label, valid = draw()
        rebalancing.update(label, valid)
    torch.testing.assert_close(rebalancing.frequency, share(label, valid))


def test_a_pixel_weighs_as_its_label_mixes_the_classes():
    """A one-hot pixel has the weight of its class; a half-and-half one the mean of both."""
    rebalancing = ClassRebalancing(3, exponent=1.0, low=0.0, high=9.0)
    rebalancing.frequency.copy_(torch.tensor([0.5, 0.3, 0.2]))
    rarity = class_rarity(rebalancing.frequency, 1.0, 0.0, 9.0)
    label = torch.tensor([[1.0, 0, 0], [0, 0.5, 0.5]]).T.reshape(1, 3, 1, 2)
    expected = torch.stack([rarity[0], (rarity[1] + rarity[2]) / 2])
    torch.testing.assert_close(weigh(rebalancing, label).flatten(), expected)


def test_weights_of_classes_weigh_the_terms_of_the_cross_entropy():
    """``- sum_c w_c y_c ln p_c`` of torch itself; labels sum to one, and a one-hot one is as with weights of pixels."""
    options = dict(exponent=1.0, low=0.0, high=9.0)
    rebalancing = ClassRebalancing(4, weights='class', **options)
    rebalancing.frequency.copy_(torch.tensor([0.4, 0.3, 0.2, 0.1]))
    (label, _), logits, weight = draw(), torch.randn(2, 4, 5, 6), torch.rand(2, 5, 6)
    target = rebalancing(PixelTarget(label, weight))
    cost = target.weight * F.cross_entropy(logits, target.label, reduction='none')
    expected = weight * F.cross_entropy(logits, label, weight=rebalancing.rarity, reduction='none')
    torch.testing.assert_close(cost, expected)
    torch.testing.assert_close(target.label.sum(dim=1), torch.ones(2, 5, 6))

    one_hot = torch.zeros_like(label).scatter_(1, label.argmax(dim=1, keepdim=True), 1)
    pixels = ClassRebalancing(4, **options)
    pixels.frequency.copy_(rebalancing.frequency)
    for one, other in zip(rebalancing(PixelTarget(one_hot, weight)), pixels(PixelTarget(one_hot, weight))):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(('weights', 'best'), [('pixel', [0.6, 0.4]), ('class', [0.6 * 2 / 3, 0.4 * 4 / 3])])
def test_only_weights_of_classes_move_the_best_answer(weights, best):
    """Pixels alike, 60 : 40. Frequencies 0.8 : 0.2 weigh 2/3 : 4/3, as 1 : 2 with mean 1: 0.4 : 0.53 is 3 : 4."""
    rebalancing = ClassRebalancing(2, weights=weights)
    rebalancing.frequency.copy_(torch.tensor([0.8, 0.2]))
    label, logits = torch.tensor([0.6, 0.4]).reshape(1, 2, 1, 1), torch.zeros(1, 2, 1, 1, requires_grad=True)
    target, optimizer = rebalancing(PixelTarget(label, torch.ones(1, 1, 1))), torch.optim.SGD([logits], lr=2.0)
    for _ in range(100):
        optimizer.zero_grad()
        (target.weight * F.cross_entropy(logits, target.label, reduction='none')).sum().backward()
        optimizer.step()
    torch.testing.assert_close(logits.detach().softmax(dim=1).flatten(), torch.tensor(best) / sum(best))


def test_before_the_first_batch_and_without_an_exponent_all_weights_are_one():
    label, valid = draw()
    torch.testing.assert_close(weigh(ClassRebalancing(4), label), torch.ones(2, 5, 6))
    off = ClassRebalancing(4, exponent=0)
    off.update(label, valid)
    torch.testing.assert_close(weigh(off, label), torch.ones(2, 5, 6))


def test_inverse_frequencies():
    """CW-BASS-v2: weights proportional to 1 / f, as far as the floor of the frequencies, here 1e-4."""
    rebalancing = ClassRebalancing(4, exponent=1.0, low=0.0, high=1e4)
    label, valid = (20 * torch.randn(2, 4, 5, 6)).softmax(dim=1), torch.ones(2, 5, 6, dtype=torch.bool)
    label = label * torch.tensor([1.0, 1e-3, 1.0, 1.0]).reshape(4, 1, 1)  # rarer than the default bounds
    rebalancing.update(label, valid)
    frequency = rebalancing.frequency
    assert frequency.min() > 1e-4
    torch.testing.assert_close(rebalancing.rarity, 1 / frequency / (1 / frequency).mean())
    assert rebalancing.rarity.max() / rebalancing.rarity.min() > 10


def test_a_batch_without_a_valid_pixel_changes_nothing():
    rebalancing = ClassRebalancing(4)
    label, valid = draw()
    for seen in (0, 1):
        before = rebalancing.frequency.clone()
        rebalancing.update(label, torch.zeros_like(valid))
        assert torch.equal(rebalancing.frequency, before)
        assert rebalancing.updates == seen
        rebalancing.update(label, valid)


def test_errors():
    for option, wrong in dict(counts='all', weights='label').items():
        with pytest.raises(ValueError, match=f'{option} must be one of .*{wrong}'):
            ClassRebalancing(4, **{option: wrong})
    with pytest.raises(ValueError, match='momentum is the share'):
        ClassRebalancing(4, momentum=0)
    with pytest.raises(ValueError, match='0 <= low <= high'):
        ClassRebalancing(4, low=3.0, high=2.0)
