"""A resumed run has the optimizer's settings of its config; what changed by itself goes on."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import CosineAnnealingMomentum, OptimWrapper, OptimWrapperDict, PolyLR
from torch import nn
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine.resumed_settings import fit_settings, note_settings


def run_of(schedules=(), several=False, **options):
    """A runner with two groups, one of them of ten times the rate."""
    options = dict(dict(lr=0.1, momentum=0.9, weight_decay=0.01), **options)
    kind = options.pop('kind', torch.optim.SGD)
    if kind is torch.optim.AdamW:
        del options['momentum']
    model = nn.Linear(2, 2)
    groups = [dict(params=[model.weight]), dict(params=[model.bias], lr=10 * options['lr'])]
    wrapper = OptimWrapper(kind(groups, **options))
    schedulers = [schedule(wrapper) for schedule in schedules]
    return SimpleNamespace(
        optim_wrapper=OptimWrapperDict(net=wrapper) if several else wrapper,
        param_schedulers=dict(net=schedulers) if several else schedulers or None,
        message_hub=MessageHub('settings'),
        iter=0,
    )


def poly(wrapper):
    return PolyLR(wrapper, power=1.0, eta_min=0, end=10, by_epoch=False)


def checkpoint_of(run, steps=5):
    note_settings(run)
    schedulers = run.param_schedulers['net'] if isinstance(run.param_schedulers, dict) else run.param_schedulers
    for _ in range(steps):
        for scheduler in schedulers or []:
            scheduler.step()
    return copy.deepcopy(dict(optimizer=run.optim_wrapper.state_dict(), message_hub=run.message_hub.state_dict()))


def resume(run, checkpoint):
    """As mmengine's ``Runner.resume``, whose loading comes after the hooks'."""
    changed = fit_settings(run, checkpoint)
    run.message_hub.load_state_dict(checkpoint['message_hub'])
    run.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    run.iter = 5
    return changed


def values(run, key):
    wrapper = run.optim_wrapper['net'] if isinstance(run.optim_wrapper, OptimWrapperDict) else run.optim_wrapper
    return [group[key] for group in wrapper.optimizer.param_groups]


@pytest.mark.parametrize('several', [False, True])
def test_changed_settings_count(several):
    """Also those that are changed back, by a second resume."""
    run, checkpoint = run_of(several=several), checkpoint_of(run_of(several=several))
    assert not fit_settings(run, copy.deepcopy(checkpoint))
    for decay, lr in ((0.5, 0.2), (0.01, 0.1)):
        run = run_of(several=several, weight_decay=decay, lr=lr)
        assert resume(run, checkpoint) == ['lr', 'weight_decay']
        assert (values(run, 'weight_decay'), values(run, 'lr')) == ([decay] * 2, [lr, 10 * lr])
        assert values(run, 'momentum') == [0.9, 0.9]
        checkpoint = checkpoint_of(run)


def test_what_a_schedule_sets_goes_on():
    run, before = run_of([poly], weight_decay=0.5), run_of([poly])
    assert resume(run, checkpoint_of(before)) == ['weight_decay']
    assert values(run, 'lr') == values(before, 'lr') != [0.1, 1.0]
    momentum = [lambda wrapper: CosineAnnealingMomentum(wrapper, T_max=10, eta_min=0, by_epoch=False)]
    adam = dict(kind=torch.optim.AdamW)
    before = run_of(momentum, **adam)
    checkpoint, run = checkpoint_of(before), run_of(momentum, betas=(0.8, 0.9), **adam)
    assert resume(run, checkpoint) == []
    assert values(run, 'betas') == values(before, 'betas') != [(0.9, 0.999)] * 2


def test_a_schedule_that_is_gone_leaves_the_configs_rate():
    run = run_of()
    assert resume(run, checkpoint_of(run_of([poly]))) == ['lr']
    assert values(run, 'lr') == [0.1, 1.0]


def test_progress_beside_the_settings_goes_on():
    """As of optimizers that estimate their rate: the value is not the config's, and nobody changed it."""
    before = run_of()
    note_settings(before)
    before.optim_wrapper.optimizer.param_groups[0]['momentum'] = 0.7
    run, checkpoint = run_of(), dict(optimizer=before.optim_wrapper.state_dict())
    assert resume(run, dict(checkpoint, message_hub=before.message_hub.state_dict())) == []
    assert values(run, 'momentum') == [0.7, 0.9]
    note_settings(run)  # of a resumed run: not what the values are now
    again = dict(optimizer=run.optim_wrapper.state_dict(), message_hub=run.message_hub.state_dict())
    assert resume(run_of(), copy.deepcopy(again)) == []


@pytest.mark.parametrize('lacks', ['message_hub', 'optimizer'])
def test_a_checkpoint_that_does_not_tell_is_left_alone(lacks):
    checkpoint = checkpoint_of(run_of())
    checkpoint.pop(lacks)
    assert fit_settings(run_of(weight_decay=0.5), checkpoint) == []


@pytest.mark.slow
def test_a_run_goes_on_with_another_rate(tmp_path):
    config = toy_config(draw_images(tmp_path / 'data'), param_scheduler=None)
    config['train_cfg']['max_iters'] = 4
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, run) == 0, output(run)
    options = ['train_cfg.max_iters=6', 'optim_wrapper.optimizer.lr=0.02']
    assert train(path, run, '--resume', '--cfg-options', *options) == 0, output(run)
    assert 'differs from that of the checkpoint in' in output(run)
    assert [loss_curve(run)[step]['lr'] for step in range(1, 7)] == [0.1] * 4 + [0.02] * 2
