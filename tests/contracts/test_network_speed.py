"""What makes a step cheaper works in every method: half precision, layout, accumulation, less memory, compiled code."""

import copy

import pytest
import tiny
import torch
from mmseg.registry import OPTIM_WRAPPERS
from test_methods import every_form, every_method, step, total
from torch import nn

from mmseg_ssl.errors import NetworkError
from mmseg_ssl.models.network_speed import checkpoint_activations, compile_networks

GRAPH_CUTS = {'HardSelfLabeling'}
"""Labels by a graph cut jump with the last digit of a probability."""

compiles = pytest.mark.skipif(not hasattr(nn.Module, 'compile'), reason='this torch compiles no module in place')


def gradients_of(model, data, seed=0):
    """Losses, gradients by name, and the buffers afterwards."""
    model.zero_grad()
    losses = tiny.loss_of(model, data, seed)
    total(losses).backward()
    return losses, {key: one.grad for key, one in model.named_parameters()}, dict(model.named_buffers())


@pytest.mark.parametrize('statistics', ['merged', 'separate'])
@every_method
def test_checkpointed_activations_change_nothing(method, statistics):
    """Losses, gradients and running statistics to the bit: dropout is repeated, BatchNorm does not count twice."""
    plain = tiny.build(method, batch_statistics=statistics)
    small = copy.deepcopy(plain)
    assert checkpoint_activations(small) > 0
    assert checkpoint_activations(small) == 0  # not twice
    assert [key for key, _ in small.named_parameters()] == [key for key, _ in plain.named_parameters()]
    found, expected = gradients_of(small, tiny.batch()), gradients_of(plain, tiny.batch())
    for some, others in zip(found, expected):
        assert some.keys() == others.keys()
        for key in others:
            assert (some[key] is None) == (others[key] is None), key
            assert others[key] is None or torch.equal(some[key], others[key]), key


def test_checkpointed_activations_are_not_kept():
    """The insides of the backbone are not among what autograd saves for the backward pass; its inputs are."""

    def saved_bytes(model):
        sizes = {}
        keep = torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.update({tensor.data_ptr(): tensor.nbytes}) or tensor, lambda tensor: tensor
        )
        model.train()
        with keep:
            model.student.segmentor.backbone(images)
        return sum(sizes.values())

    images = torch.rand(2, 3, 64, 64)
    plain = tiny.build('Supervised')
    small = copy.deepcopy(plain)
    checkpoint_activations(small)
    assert saved_bytes(small) < saved_bytes(plain) / 2


def test_a_copy_of_checkpointed_networks_has_blocks_of_its_own():
    model = tiny.build('Supervised')
    checkpoint_activations(model)
    other = copy.deepcopy(model)
    nn.init.zeros_(other.student.segmentor.backbone.first[0].weight)
    images = torch.rand(1, 3, 16, 16)
    assert not torch.equal(model.student(images).logits, other.student(images).logits)


@every_form
def test_channels_last_is_a_layout(method, options):
    """The losses are those of the usual layout up to rounding."""
    if method in GRAPH_CUTS:
        pytest.skip('labels jump with the last digit')
    usual = tiny.build(method, **options)
    state = copy.deepcopy(usual.state_dict())
    last = tiny.build(method, data_preprocessor=tiny.preprocessor(channels_last=True), **options)
    last.load_state_dict(state)
    for network in (usual, last):
        for module in network.modules():
            if isinstance(module, nn.Dropout2d):
                module.p = 0.0  # torch draws other channels for another layout
    found, expected = (tiny.loss_of(model, tiny.batch()) for model in (last, usual))
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=2e-3, atol=2e-4, msg=lambda text, key=key: f'{key}: {text}')


@every_method
def test_half_precision_trains_every_weight_and_accumulation_waits(method):
    """bfloat16: two batches make one step; weights and teacher stay until then, and every gradient is finite."""
    model = tiny.build(method, data_preprocessor=tiny.preprocessor(channels_last=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    wrapper = OPTIM_WRAPPERS.build(
        dict(type='Bf16OptimWrapper', emulated=True, optimizer=optimizer, accumulative_counts=2)
    )
    wrapper.initialize_count_status(model, 0, 4)
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    wrapper.zero_grad = lambda **_: None  # the gradients are what is looked at
    for number in range(2):
        logs = step(model, wrapper, seed=number, follow=False)
        assert all(value.isfinite().all() and value.dtype != torch.bfloat16 for value in logs.values())
        for key, value in model.named_parameters():
            trained = 'teacher' not in key
            assert torch.equal(value, before[key]) == (number == 0 or not trained), (number, key)
            assert (value.grad is not None) == trained, key
            assert value.grad is None or value.grad.isfinite().all(), key


@compiles
@pytest.mark.slow
@every_method
def test_compiled_networks_train_the_same(method):
    """Tracing by dynamo, run as torch runs it: modes, gradients and teachers are those of the networks as written."""
    plain = tiny.build(method)
    compiled = copy.deepcopy(plain)
    assert compile_networks(compiled, backend='eager') > 0
    assert list(compiled.state_dict()) == list(plain.state_dict())
    for seed in range(2):
        found, expected = (gradients_of(model, tiny.batch(seed=seed), seed) for model in (compiled, plain))
        for some, others in zip(found, expected):
            for key in others:
                if others[key] is not None:
                    torch.testing.assert_close(some[key], others[key], rtol=1e-4, atol=1e-5, msg=key)
    torch._dynamo.reset()


@compiles
def test_what_does_not_go_together():
    model = tiny.build('MeanTeacher')
    checkpoint_activations(model)
    with pytest.raises(NetworkError, match='exclude each other'):
        compile_networks(model, backend='eager')
    with pytest.raises(NetworkError, match="set model.batch_statistics='merged'"):
        compile_networks(tiny.build('MeanTeacher', batch_statistics='separate'), backend='eager')
    model = tiny.build('MeanTeacher')
    assert compile_networks(model, backend='eager') == 2  # the student's and the teacher's backbone
    with pytest.raises(NetworkError, match='exclude each other'):
        checkpoint_activations(model)


def test_torch_without_compile_in_place(monkeypatch):
    monkeypatch.delattr(nn.Module, 'compile', raising=False)
    with pytest.raises(NetworkError, match='needs torch 2.2'):
        compile_networks(tiny.build('Supervised'))
