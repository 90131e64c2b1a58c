"""Rules of trust: what they compare, and which pixels they choose."""

import math

import pytest
import torch

from mmseg_ssl.ops import trust_values, trusted_pixels
from mmseg_ssl.ops.trust import TRUST_RULES


def logits_of(*probs):
    """Logits (1, 2, 1, N), whose class 0 has these probabilities, with the log of the probabilities as logits."""
    return torch.tensor([[[[math.log(p) for p in probs]], [[math.log(1 - p) for p in probs]]]], dtype=torch.float64)


def test_hand_derived_values():
    logits = logits_of(0.5, 0.75) + 2  # a shift moves the energy alone: logits of log p have energy 0
    maps = dict(variance=torch.tensor([[[3.0, 1.0]]]), correctness=torch.tensor([[[0.2, 0.9]]]))
    values = {rule: trust_values(rule, logits, **maps).flatten().tolist() for rule in TRUST_RULES}
    assert values['confidence'] == pytest.approx([0.5, 0.75])
    assert values['entropy'] == pytest.approx([1.0, 2 - 0.75 * math.log2(3)])  # of (3/4, 1/4) in bits
    assert values['energy'] == pytest.approx([-2.0, -2.0])
    assert values['variance'] == [3.0, 1.0]
    assert values['localizer'] == pytest.approx([0.2, 0.9])


@pytest.mark.parametrize(
    ('rule', 'kept'),
    [('confidence', [False, True, True]), ('localizer', [False, True, True])]
    + [(rule, [True, True, False]) for rule in ('entropy', 'variance', 'energy')],
)
def test_doubts_are_kept_below_and_the_others_above_a_threshold(rule, kept):
    values, valid = torch.tensor([[[0.1, 0.5, 0.9]]]), torch.ones(1, 1, 3, dtype=torch.bool)
    assert trusted_pixels(rule, values, valid, threshold=0.5)[0, 0].tolist() == kept


def test_a_share_is_of_the_image_pixels_of_each_image():
    """Half of image 0's four valid pixels are two, half of image 1's two is one; padding has the best values of all."""
    values = torch.tensor([[[0.0, 4.0, 1.0, 3.0, 2.0]], [[9.0, 8.0, 0.0, 0.0, 0.0]]])
    valid = torch.tensor([[[False, True, True, True, True]], [[True, True, False, False, False]]])
    kept = trusted_pixels('entropy', values, valid, share=0.5)
    assert kept[0, 0].tolist() == [False, False, True, False, True]
    assert kept[1, 0].tolist() == [False, True, False, False, False]
    assert torch.equal(trusted_pixels('confidence', -values, valid, share=0.5), kept)
    assert torch.equal(trusted_pixels('entropy', values[1:], valid[1:], share=0.5), kept[1:])  # alone as in the batch
    assert torch.equal(trusted_pixels('entropy', values, valid, share=1.0), valid)
    third = trusted_pixels('entropy', values, valid & (values != 3), share=0.5)
    assert third.flatten(1).sum(dim=1).tolist() == [2, 1]  # half of three is two: no pixel of the share is left out
    assert not trusted_pixels('entropy', values, valid & False, share=0.5).any()


@pytest.mark.parametrize('options', [{}, dict(threshold=0.5, share=0.5), dict(share=0.0), dict(share=1.5)])
def test_impossible_rules(options):
    with pytest.raises(ValueError, match='share'):
        trusted_pixels('entropy', torch.zeros(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool), **options)


def test_unknown_rules_and_missing_maps():
    with pytest.raises(ValueError, match="got 'margin'"):
        trust_values('margin', logits_of(0.5))
    with pytest.raises(ValueError, match='variance head'):
        trust_values('variance', logits_of(0.5))
