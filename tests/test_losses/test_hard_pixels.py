"""Cross-entropy of the hard pixels."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from mmseg_ssl.models.losses import HardPixelCrossEntropy
from mmseg_ssl.models.losses.hard_pixels import hard_pixels


def two_class(*probs):
    """Logits (1, 2, 1, N) whose class 0 has the given probabilities."""
    return torch.tensor([[[[math.log(p) for p in probs]], [[math.log(1 - p) for p in probs]]]], dtype=torch.float64)


def test_pixels_at_most_the_threshold_are_hard():
    logits, label = two_class(0.9, 0.6, 0.2, 0.8), torch.zeros(1, 1, 4, dtype=torch.int64)
    assert hard_pixels(logits, label, 0.7, 1, 255).tolist() == [[[False, True, True, False]]]
    assert hard_pixels(logits, label, 0.7, 3, 255).tolist() == [[[False, True, True, True]]]  # 0.8 is the third least
    assert hard_pixels(logits, label, 0.7, 99, 255).all()
    label[..., 1] = 255
    assert hard_pixels(logits, label, 0.7, 3, 255).tolist() == [[[True, False, True, True]]]


def test_hand_derived_value():
    """Hard are p = 0.5 of class 0 (weight 2) and p = 0.25 of class 1 (weight 1): (2 ln 2 + ln 4) / 3 = (4 / 3) ln 2."""
    logits, label = two_class(0.5, 0.75, 0.99), torch.tensor([[[0, 1, 0]]])
    loss = HardPixelCrossEntropy(threshold=0.7, min_kept=1, class_weight=[2.0, 1.0])(logits, label)
    assert loss.item() == pytest.approx(4 / 3 * math.log(2), rel=1e-6)


def test_keeping_everything_is_torchs_weighted_mean():
    logits, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    label[:, 0] = 255
    weights = [0.5, 1.0, 2.0]
    loss = HardPixelCrossEntropy(min_kept=16, class_weight=weights)(logits, label, ignore_index=255, weight=None)
    torch.testing.assert_close(loss, F.cross_entropy(logits, label, torch.tensor(weights), ignore_index=255))


def test_one_channel_for_two_classes():
    """Logit z of class 1, the log-odds of the pair; both classes have their weight."""
    logits, label = torch.randn(2, 2, 4, 4), torch.randint(0, 2, (2, 4, 4))
    label[:, 0] = 255
    loss = HardPixelCrossEntropy(threshold=0.5, min_kept=6, class_weight=[0.5, 2.0])
    torch.testing.assert_close(loss(logits[:, 1:] - logits[:, :1], label), loss(logits, label))


def test_easy_and_ignored_pixels_get_no_gradient():
    logits, label = two_class(0.9, 0.6, 0.2).requires_grad_(), torch.tensor([[[0, 0, 255]]])
    HardPixelCrossEntropy(min_kept=1)(logits, label).backward()
    assert (logits.grad[0, :, 0] != 0).any(dim=0).tolist() == [False, True, False]


def test_no_label_at_all_is_zero_with_zero_gradient():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = HardPixelCrossEntropy()(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize('scale', [100.0, -100.0])
def test_extreme_logits_stay_finite(scale):
    logits = scale * torch.eye(3).expand(1, 3, 3).unsqueeze(2)
    assert torch.isfinite(MODELS.build(dict(type='mmseg.HardPixelCrossEntropy'))(logits, torch.tensor([[[0, 1, 2]]])))
