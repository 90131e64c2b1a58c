"""``Bf16OptimWrapper``: half the bits in the forward pass, none fewer in the weights."""

import tiny
import torch
from mmseg.registry import OPTIM_WRAPPERS


def test_bf16():
    """Convolutions run in bfloat16, losses, weights and gradients are fp32; accumulation still works."""
    model = tiny.build('DUEB')
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build(dict(type='Bf16OptimWrapper', optimizer=optimizer, accumulative_counts=2))
    wrapper.initialize_count_status(model, 0, 4)
    seen = []
    model.conservative.segmentor.backbone.first[0].register_forward_hook(lambda *args: seen.append(args[-1].dtype))
    weight = model.conservative.segmentor.decode_head.conv_seg.weight
    before = weight.detach().clone()
    for step in range(2):
        logs = model.train_step(tiny.batch(seed=step), wrapper)
        assert {value.dtype for value in logs.values()} == {torch.float32}
        assert torch.equal(weight, before) == (step == 0)
    assert set(seen) == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert weight.isfinite().all()
    assert not torch.is_autocast_enabled('cpu')
