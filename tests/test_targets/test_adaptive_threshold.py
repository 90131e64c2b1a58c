"""The threshold that follows the classes' largest confidences."""

import sys

import pytest
import torch

from mmseg_ssl.models import AdaptiveThreshold, FixedThreshold
from mmseg_ssl.models.threshold import build_threshold
from mmseg_ssl.targets import adaptive_threshold, confident

# one row of four pixels, three classes: argmax 0 (.6), 0 (.9), 1 (.5), 2 (.8)
PROBS = torch.tensor([[0.6, 0.9, 0.3, 0.1], [0.3, 0.1, 0.5, 0.1], [0.1, 0.0, 0.2, 0.8]])[None, :, None]
ALL = torch.ones(1, 1, 4, dtype=torch.bool)


def test_by_hand():
    """Largest confidences of the classes: 0.9, 0.5, 0.8, mean 2.2 / 3; a quarter of the way from 0.85."""
    new = adaptive_threshold(torch.tensor(0.85), PROBS, ALL, momentum=0.25)
    assert new.item() == pytest.approx(0.75 * 0.85 + 0.25 * 2.2 / 3)


def test_absent_classes_and_padding_do_not_count():
    """Without its last two pixels the batch knows class 0 alone."""
    valid = torch.tensor([[[True, True, False, False]]])
    assert adaptive_threshold(torch.tensor(0.0), PROBS, valid, momentum=1.0).item() == pytest.approx(0.9)


def test_a_slow_loop():
    probs, valid = torch.randn(2, 5, 6, 7).softmax(dim=1), torch.rand(2, 6, 7) > 0.4
    best = {}
    for pixel in range(2 * 42):
        p = probs.movedim(1, -1).reshape(-1, 5)[pixel]
        if valid.flatten()[pixel]:
            best[int(p.argmax())] = max(best.get(int(p.argmax()), 0.0), p.max().item())
    expected = 0.9 * 0.85 + 0.1 * sum(best.values()) / len(best)
    assert adaptive_threshold(torch.tensor(0.85), probs, valid, 0.1).item() == pytest.approx(expected)


def test_limits():
    """Nothing valid and momentum 0 change nothing; the order of the classes does not matter."""
    old = torch.tensor(0.85)
    assert adaptive_threshold(old, PROBS, ~ALL, 0.5) == old
    assert adaptive_threshold(old, PROBS, ALL, 0.0) == old
    flipped = adaptive_threshold(old, PROBS.flip(1), ALL, 0.5)
    torch.testing.assert_close(flipped, adaptive_threshold(old, PROBS, ALL, 0.5))


def test_the_largest_confidences_are_those_of_all_processes(monkeypatch):
    """A second process saw class 1 at 0.7 and no other: 0.9, 0.7, 0.8."""

    def with_another(values, op):
        assert op == 'max'
        values.copy_(torch.maximum(values, torch.tensor([0.0, 0.7, 0.0])))

    monkeypatch.setattr(sys.modules['mmseg_ssl.targets.adaptive_threshold'], 'all_reduce', with_another)
    assert adaptive_threshold(torch.tensor(0.0), PROBS, ALL, 1.0).item() == pytest.approx(0.8)


def test_wrong_options():
    with pytest.raises(ValueError, match=r'decay of 0\.999 give momentum=0\.001'):
        adaptive_threshold(torch.tensor(0.8), PROBS, ALL, 999)
    with pytest.raises(ValueError, match='every pixel'):
        adaptive_threshold(torch.tensor(0.8), PROBS, ALL[0], 0.1)
    with pytest.raises(ValueError, match='in \\[0, 1\\], got 1.5'):
        AdaptiveThreshold(initial=1.5)
    with pytest.raises(ValueError, match='threshold is a probability'):
        FixedThreshold(1.5)


def test_the_fixed_threshold_of_the_papers():
    """0.95 where nothing is said, as in FixMatch: confidences of 0.94 and 0.96, of which the second teaches."""
    probs = torch.tensor([[0.94, 0.96], [0.06, 0.04]]).view(1, 2, 1, 2)
    threshold = build_threshold(dict(type='FixedThreshold'))(probs, torch.ones(1, 1, 2, dtype=torch.bool))
    assert threshold == 0.95
    assert confident(probs, threshold).weight.tolist() == [[[0, 1]]]


def test_the_module_follows_in_training_and_is_in_the_checkpoint():
    module = build_threshold(dict(type='AdaptiveThreshold', initial=0.85, momentum=0.5))
    first = module(PROBS, ALL)
    assert first.item() == pytest.approx(0.5 * 0.85 + 0.5 * 2.2 / 3)
    module(PROBS, ALL)
    assert first.item() == pytest.approx(0.5 * 0.85 + 0.5 * 2.2 / 3)  # a copy
    module.eval()
    assert module(PROBS, ALL) == module(PROBS, ALL) == module.state_dict()['value']
    assert torch.equal(confident(PROBS, module(PROBS, ALL)).weight, confident(PROBS, float(module.value)).weight)


def test_a_number_is_a_fixed_threshold():
    assert build_threshold(0.7)(PROBS, ALL) == 0.7
    assert not build_threshold(0.7).state_dict()
