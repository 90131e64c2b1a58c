"""Classes that a map of probabilities names."""

import pytest
import torch

from mmseg_ssl.models.losses import free_energy
from mmseg_ssl.ops import class_logits, likeliest, log_odds


def test_one_channel_is_two_classes():
    """Softmax and sigmoid say the same, to the last bit of the way back; several channels are left alone."""
    logit = torch.cat([torch.randn(2, 1, 3, 4) * 10, torch.tensor([0.0, -0.0, 1e4, 1e-30]).expand(2, 1, 1, 4)], dim=2)
    logits = class_logits(logit)
    torch.testing.assert_close(logits.softmax(dim=1), torch.cat([1 - logit.sigmoid(), logit.sigmoid()], dim=1))
    assert torch.equal(log_odds(logits), logit)
    assert class_logits(logits) is logits


def test_energy_is_that_of_either_class():
    """-ln(2 cosh(z / 2)): the same for a sure background and a sure object, highest where the head does not know."""
    energy = free_energy(class_logits(torch.tensor([-6.0, 0.0, 6.0])[:, None])).tolist()
    assert energy[0] == energy[2] == pytest.approx(-3.0024757)
    assert energy[1] == pytest.approx(-0.6931472)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize('shape', [(2, 5), (2, 1, 3, 4), (2, 200, 3, 4)])
def test_it_is_the_maximum(dtype, shape):
    """Values and classes of torch's own, in both layouts."""
    values = torch.randn(shape).to(dtype)
    for given in (values, values.transpose(1, -1).contiguous().transpose(1, -1)):
        largest, index = likeliest(given)
        assert torch.equal(largest, values.amax(dim=1)) and index.dtype == torch.int64
        assert torch.equal(values.gather(1, index.unsqueeze(1)).squeeze(1), largest)


def test_ties_infinities_and_nan():
    """The first of equal ones; NaN names a class that exists, so that the loss can say NaN."""
    nan, infinite = torch.nan, torch.inf
    values = torch.tensor([[0.0, 1, 1], [0, 0, 0], [-infinite, -1, -infinite], [infinite, 0, infinite], [nan, 0, 1]])
    largest, index = likeliest(values)
    assert index.tolist() == [1, 0, 1, 0, 2]
    assert largest[:4].tolist() == [1, 0, -1, infinite] and largest[4].isnan()
