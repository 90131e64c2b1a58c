"""``Bf16OptimWrapper``: half the bits in the forward pass, none fewer in the weights."""

import pytest
import tiny
import torch
from mmseg.registry import OPTIM_WRAPPERS

from mmseg_ssl.engine import bf16_optim_wrapper


def test_bf16():
    """Convolutions run in bfloat16, losses, weights and gradients are fp32; accumulation still works."""
    model = tiny.build('DUEB')
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build(
        dict(type='Bf16OptimWrapper', emulated=True, optimizer=optimizer, accumulative_counts=2)
    )
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
        dict(
            type='Bf16OptimWrapper',
            emulated=True,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
            accumulative_counts=2,
        )
    )
    wrapper.initialize_count_status(model, 0, 4)
    model.train_step(tiny.batch(), wrapper)
    assert kept == [False] and torch.is_autocast_cache_enabled()
    assert [name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None] == []


@pytest.mark.parametrize(
    ('computes', 'emulated', 'dtype'),
    [(True, False, torch.bfloat16), (False, False, torch.float32), (False, True, torch.bfloat16)],
)
def test_a_cpu_without_bf16_computes_in_fp32(monkeypatch, computes, emulated, dtype):
    """There bfloat16 takes 10 times as long: it is emulated only where the config asks for it, and the log says so."""
    monkeypatch.setattr(bf16_optim_wrapper, 'cpu_computes_bf16', lambda: computes)
    layer = torch.nn.Linear(2, 2)
    said = []
    monkeypatch.setattr(bf16_optim_wrapper, 'print_log', lambda text, _: said.append(text))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build(dict(type='Bf16OptimWrapper', emulated=emulated, optimizer=optimizer))
    with wrapper.optim_context(layer):
        assert layer(torch.ones(1, 2)).dtype == dtype
    assert [text.startswith('This CPU has no bfloat16') for text in said] == [True] * (dtype == torch.float32)


def test_an_accelerator_does_not_ask_the_cpu(monkeypatch):
    """The device of the weights decides (here one without memory)."""
    monkeypatch.setattr(bf16_optim_wrapper, 'cpu_computes_bf16', lambda: False)
    for device, enabled in (('meta', True), ('cpu', False)):
        optimizer = torch.optim.SGD(torch.nn.Linear(2, 2, device=device).parameters(), lr=0.1)
        assert OPTIM_WRAPPERS.build(dict(type='Bf16OptimWrapper', optimizer=optimizer)).enabled == enabled
