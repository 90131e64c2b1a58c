"""ELN's losses on labeled images: the gate of eq. 3 and the balance of eq. 5."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import balanced_binary_cross_entropy, constrained_cross_entropy


def test_the_gate_by_hand():
    """alpha = 20: 3 > 20 * 0.1 is taught; 3 < 20 * 1 is not; 2 = 20 * 0.1 is as good as allowed: not taught."""
    aux = torch.tensor([3.0, 3.0, 2.0], requires_grad=True)
    main = torch.tensor([0.1, 1.0, 0.1], requires_grad=True)
    loss = constrained_cross_entropy(aux, main, slack=20)
    assert loss.tolist() == [3, 0, 0]
    loss.sum().backward()
    assert aux.grad.tolist() == [1, 0, 0]
    assert main.grad is None  # the main decoder is a yardstick


def test_slack_limits():
    """0 always teaches what is not perfect; a huge slack never does. An image without labels has losses 0: inert."""
    aux, main = torch.rand(5) + 0.1, torch.rand(5) + 0.1
    assert torch.equal(constrained_cross_entropy(aux, main, 0), aux)
    assert constrained_cross_entropy(aux, main, 1e9).sum() == 0
    assert constrained_cross_entropy(torch.zeros(()), torch.zeros(()), 20) == 0


def test_gate_needs_like_with_like():
    with pytest.raises(ValueError, match='one number per image'):
        constrained_cross_entropy(torch.zeros(2), torch.zeros(()), 20)
    with pytest.raises(ValueError, match='slack >= 0'):
        constrained_cross_entropy(torch.zeros(2), torch.zeros(2), -1)


def test_balance_by_hand():
    """Logit 0: every pixel costs ln 2. Three correct, one wrong: the wrong one weighs 3, as much as all others."""
    correct = torch.tensor([[[True, True], [True, False]]])
    loss = balanced_binary_cross_entropy(torch.zeros(1, 2, 2), correct, torch.ones(1, 2, 2, dtype=torch.bool))
    torch.testing.assert_close(loss, math.log(2) * torch.tensor([[[1.0, 1.0], [1.0, 3.0]]]))


def slow(logits, correct, valid, over_images):
    """Eq. 5 as written, pixel by pixel."""
    loss = torch.zeros_like(logits)
    for b in range(len(logits)):
        images = [b] if over_images else range(len(logits))
        right = sum(int((correct[i] & valid[i]).sum()) for i in images)
        wrong = sum(int((~correct[i] & valid[i]).sum()) for i in images)
        for y in range(logits.shape[1]):
            for x in range(logits.shape[2]):
                if valid[b, y, x]:
                    p = 1 / (1 + math.exp(-logits[b, y, x]))
                    loss[b, y, x] = -math.log(p) if correct[b, y, x] else -math.log(1 - p) * right / wrong
    return loss


@pytest.mark.parametrize('balance', ['image', 'batch'])
def test_balance_equals_the_loop(balance):
    logits, correct, valid = torch.randn(3, 4, 5), torch.rand(3, 4, 5) < 0.7, torch.rand(3, 4, 5) < 0.8
    loss = balanced_binary_cross_entropy(logits, correct, valid, balance)
    torch.testing.assert_close(loss, slow(logits, correct, valid, balance == 'image'))
    groups = [(loss[i], correct[i] & valid[i], ~correct[i] & valid[i]) for i in range(3)]
    if balance == 'image':  # at equal cost, both groups of each image weigh the same
        even = balanced_binary_cross_entropy(torch.zeros_like(logits), correct, valid, balance)
        for i, (_, right, wrong) in enumerate(groups):
            torch.testing.assert_close(even[i][right].sum(), even[i][wrong].sum())


def test_balance_limits():
    """No wrong pixel: torch's BCE. No correct pixel: nothing. One wrong pixel of nine: it weighs as much as eight."""
    logits, all_valid = torch.randn(1, 3, 3), torch.ones(1, 3, 3, dtype=torch.bool)
    plain = F.binary_cross_entropy_with_logits(logits, torch.ones(1, 3, 3), reduction='none')
    torch.testing.assert_close(balanced_binary_cross_entropy(logits, all_valid, all_valid), plain)
    assert balanced_binary_cross_entropy(logits, ~all_valid, all_valid).sum() == 0
    correct = all_valid.clone()
    correct[0, 0, 0] = False
    balanced = balanced_binary_cross_entropy(torch.zeros(1, 3, 3), correct, all_valid)
    torch.testing.assert_close(balanced[0, 0, 0], torch.tensor(8 * math.log(2)))


@pytest.mark.parametrize('balance', ['image', 'batch'])
def test_ignored_pixels_are_inert(balance):
    """Their logits and marks change nothing, and they get no gradient; also when there is no other pixel."""
    logits = torch.randn(2, 3, 3, requires_grad=True)
    correct, valid = torch.rand(2, 3, 3) < 0.5, torch.rand(2, 3, 3) < 0.6
    loss = balanced_binary_cross_entropy(logits, correct, valid, balance)
    loss.sum().backward()
    assert torch.equal(logits.grad[~valid], torch.zeros_like(logits.grad[~valid]))
    other = balanced_binary_cross_entropy(logits.where(valid, -logits), correct ^ ~valid, valid, balance)
    assert torch.equal(loss, other)
    nowhere = torch.zeros_like(valid)
    logits.grad = None
    balanced_binary_cross_entropy(logits * 100, correct, nowhere, balance).sum().backward()
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_balance_gradcheck_and_large_logits():
    correct, valid = torch.rand(1, 2, 3) < 0.5, torch.rand(1, 2, 3) < 0.8
    logits = torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda z: balanced_binary_cross_entropy(z, correct, valid), logits)
    sure = torch.full((1, 1, 2), 100.0).half()
    loss = balanced_binary_cross_entropy(sure, torch.tensor([[[True, False]]]), torch.ones(1, 1, 2).bool())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, torch.tensor([[[0.0, 100.0]]]))


def test_balance_needs_maps_of_one_shape():
    mask = torch.ones(1, 2, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match='Squeeze'):
        balanced_binary_cross_entropy(torch.zeros(1, 1, 2, 2), mask, mask)
    with pytest.raises(ValueError, match='balance'):
        balanced_binary_cross_entropy(torch.zeros(1, 2, 2), mask, mask, balance='class')
