"""Classes that a map of probabilities names."""

import pytest
import torch

from mmseg_ssl.ops import likeliest


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
