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
    assert torch.mm(weight[:, :, 0, 0], weight[:, :, 0, 0].t()).dtype == torch.float32  # autocast has ended


def test_no_cast_of_a_weight_is_kept(monkeypatch):
    """Older torch would train with casts that a target left behind, which have no gradient; see ``fresh_casts``."""
    model = tiny.build('DUEB')
    kept, loss = [], model.loss
    monkeypatch.setattr(model, 'loss', lambda *args: kept.append(torch.is_autocast_cache_enabled()) or loss(*args))
    wrapper = OPTIM_WRAPPERS.build(
        dict(type='Bf16OptimWrapper', optimizer=torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=2)
    )
    wrapper.initialize_count_status(model, 0, 4)
    model.train_step(tiny.batch(), wrapper)
    assert kept == [False] and torch.is_autocast_cache_enabled()
    assert [name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None] == []
