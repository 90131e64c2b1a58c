"""Under autocast layers compute in half precision; targets and losses, which are made of their outputs, do not."""

import copy
from functools import partial

import tiny
import torch
from test_methods import every_form, total
from torch.nn.modules.batchnorm import _BatchNorm

HALVES = (torch.bfloat16, torch.float16)


def keep_layers_in_fp32(model):
    """Take every layer that has weights out of autocast."""

    def in_fp32(forward, *args, **kwargs):
        with torch.autocast('cpu', enabled=False):
            return forward(*args, **kwargs)

    for module in model.modules():
        # BatchNorm is in fp32 anyway, and its class may change
        if next(module.parameters(recurse=False), None) is not None and not isinstance(module, _BatchNorm):
            module.forward = partial(in_fp32, module.forward)


@every_form
def test_targets_and_losses_stay_in_fp32(method, options):
    """With layers that are kept out of it, autocast changes no bit of a loss or of a gradient."""
    plain = tiny.build(method, **options)
    copies = {dtype: copy.deepcopy(plain) for dtype in HALVES}
    expected = tiny.loss_of(plain, tiny.batch(), 0)
    total(expected).backward()
    for dtype, other in copies.items():
        keep_layers_in_fp32(other)
        with torch.autocast('cpu', dtype=dtype):
            found = tiny.loss_of(other, tiny.batch(), 0)
        assert found.keys() == expected.keys()
        for key in expected:
            assert torch.equal(torch.as_tensor(found[key]), torch.as_tensor(expected[key])), (dtype, key)
        total(found).backward()
        for (name, one), two in zip(plain.named_parameters(), other.parameters()):
            assert (one.grad is None) == (two.grad is None), name
            assert one.grad is None or torch.equal(one.grad, two.grad), (dtype, name)
