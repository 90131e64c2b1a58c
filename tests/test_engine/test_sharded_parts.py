"""What ``FullyShardedModel`` divides, gathers and refuses, in one process; two of them train in the slow tests."""

import copy
from types import SimpleNamespace

import pytest
import tiny
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper

from mmseg_ssl.engine import sharded_model
from mmseg_ssl.engine.partial_gradients import collect_partial_gradients, restore_partial_gradients
from mmseg_ssl.engine.sharded_model import FullyShardedModel, divide_optimizer_state, whole_state
from mmseg_ssl.errors import UserError

pytestmark = pytest.mark.skipif(not sharded_model.IS_THERE, reason='needs torch 2.6')


@pytest.fixture
def alone():
    """One process of one, whose messages come back to it."""
    dist.init_process_group('gloo', rank=0, world_size=1, store=dist.HashStore())
    yield
    dist.destroy_process_group()


def build(path):
    """A method with its moving average's place taken by a frozen teacher, whose weights lie in a file."""
    torch.manual_seed(1)
    trained = tiny.build()
    torch.save(dict(state_dict=trained.student.segmentor.state_dict()), path)
    torch.manual_seed(0)
    return tiny.build('UniMatchV2', teacher=dict(segmentor=tiny.tiny_segmentor(), checkpoint=str(path)))


def runner_of(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    return SimpleNamespace(model=model, optim_wrapper=OptimWrapper(optimizer))


def divided(values):
    return [isinstance(value, sharded_model.DTensor) for value in values]


def test_weights_are_the_first_processes_initial_ones(alone, monkeypatch):
    """They are initialized before they are divided, as the host no longer does, and then sent to all."""
    model, fresh = tiny.build(), []
    monkeypatch.setattr(model, 'init_weights', lambda: fresh.extend(w.data.fill_(2.0) for w in model.parameters()))
    monkeypatch.setattr(sharded_model, 'broadcast', lambda value: value.add_(1))
    sent = FullyShardedModel(model).module.state_dict()
    assert fresh and all((sent[name].full_tensor() == 3).all() for name, _ in model.named_parameters())


def test_blocks_are_gathered_when_they_run(alone):
    """After the forward pass theirs are divided again, the teacher's as the student's; the heads wait, gathered."""
    model = FullyShardedModel(tiny.build('MeanTeacher')).module
    model.teacher.start(model.student)
    model._run_forward(model.data_preprocessor(tiny.batch(), True), mode='loss')
    for network in (model.student, model.teacher.network):
        backbone, head = network.segmentor.backbone, network.segmentor.decode_head
        assert all(divided(backbone.parameters())) and not any(divided(head.parameters()))


def test_divided_between_steps_and_whole_in_a_checkpoint(alone, tmp_path):
    """As an undivided model: losses, weights, optimizer. Nothing stays gathered after a prediction, of the teacher
    neither; what is loaded is divided again, and goes on exactly.
    """
    plain = build(tmp_path / 'teacher.pth')
    runners = runner_of(plain), runner_of(FullyShardedModel(copy.deepcopy(plain)))
    model = runners[1].model
    teacher = model.module.teacher.network
    logs = []
    for runner in runners:
        torch.manual_seed(3)
        logs.append(runner.model.train_step(tiny.batch(), runner.optim_wrapper))
    assert all(torch.equal(value, logs[1][key]) for key, value in logs[0].items())
    assert all(divided(teacher.parameters()))
    model.eval()
    model.val_step(dict(inputs=tiny.batch()['inputs']['sup'], data_samples=tiny.batch()['data_samples']['sup']))
    assert all(divided(model.parameters())) and any(True for _ in model.parameters())

    with whole_state(runners[1], optimizer=False), whole_state(runners[1]):  # a regular one is written with the best
        states = [
            [part.state_dict() for part in (getattr(r.model, 'module', r.model), r.optim_wrapper)] for r in runners
        ]
        saved = copy.deepcopy(states[1])
    assert all(divided(model.module.state_dict()[name] for name, _ in model.module.named_parameters()))
    for (name, value), other in zip(states[0][0].items(), states[1][0].values()):
        assert type(other) is torch.Tensor, name
        torch.testing.assert_close(value, other)
    moments = [state[1]['state'] for state in states]
    assert (
        all(type(one['exp_avg']) is torch.Tensor for one in moments[1].values())
        and moments[0].keys() == moments[1].keys()
    )

    model.module.load_state_dict(saved[0])
    divide_optimizer_state(runners[1], dict(optimizer=saved[1]))
    assert all(divided(one['exp_avg'] for one in saved[1]['state'].values()))
    assert all(divided(model.parameters()))


def test_gradients_that_wait_for_the_step_are_whole_in_a_checkpoint(alone, tmp_path):
    """And divided again in the run that goes on: its step is that of a run which was never interrupted."""
    model = FullyShardedModel(build(tmp_path / 'teacher.pth'))
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=2)
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper)
    wrapper.initialize_count_status(model, 0, 4)
    model.train_step(tiny.batch(), wrapper)
    saved = collect_partial_gradients(runner)
    trained = {name: weight for name, weight in model.module.named_parameters() if weight.requires_grad}
    assert saved.keys() == trained.keys() and {type(value) for value in saved.values()} == {torch.Tensor}
    for weight in trained.values():
        weight.grad = None
    restore_partial_gradients(runner, saved)
    assert all(divided(weight.grad for weight in trained.values()))
    assert all(torch.equal(weight.grad.full_tensor(), saved[name]) for name, weight in trained.items())


def test_a_weight_without_rows_is_refused():
    with pytest.raises(UserError, match="localizer.prior_scale has none.* prior='confidence'"):
        FullyShardedModel(tiny.build('ELN', localizer=dict(prior='confidence')))
