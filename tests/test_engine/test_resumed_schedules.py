"""A resumed run follows its config's schedule, from the iteration where it goes on."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import LinearLR, OptimWrapper, PolyLR, ReduceOnPlateauLR
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine import resumed_schedules
from mmseg_ssl.engine.resumed_schedules import check_schedules, fit_schedules
from mmseg_ssl.tooling.cli import UserError


def warm_up_and_poly(wrapper, end, by_epoch=False):
    return [
        LinearLR(wrapper, start_factor=0.1, begin=0, end=2, by_epoch=by_epoch),
        PolyLR(wrapper, power=0.9, eta_min=0, begin=2, end=end, by_epoch=by_epoch),
    ]


def run_of(schedules=warm_up_and_poly, end=6, lr=0.1, max_epochs=1, epoch_length=None, **options):
    """A runner with two groups, one of them of ten times the rate."""
    model = nn.Linear(2, 2)
    groups = [dict(params=[model.weight], lr=lr), dict(params=[model.bias], lr=10 * lr)]
    wrapper = OptimWrapper(torch.optim.SGD(groups, lr=lr, momentum=0.9))
    kind = EpochBasedTrainLoop if epoch_length else IterBasedTrainLoop
    loop = object.__new__(kind)
    loop._max_iters, loop._max_epochs = (epoch_length or end) * max_epochs, max_epochs
    return SimpleNamespace(
        optim_wrapper=wrapper,
        param_schedulers=schedules(wrapper, end, **options),
        train_loop=loop,
        iter=0,
        logger=MMLogger.get_instance('schedules'),
    )


def go(run, iterations, epoch_length=None):
    """The rates of the next iterations, all groups."""
    rates = []
    for _ in range(iterations):
        rates.append([group['lr'] for group in run.optim_wrapper.param_groups])
        run.optim_wrapper.optimizer.step()
        run.iter += 1
        for scheduler in run.param_schedulers:
            if not scheduler.by_epoch or (epoch_length and run.iter % epoch_length == 0):
                scheduler.step()
    return rates


def checkpoint_of(run, epoch=0):
    return copy.deepcopy(
        dict(
            meta=dict(iter=run.iter, epoch=epoch),
            optimizer=run.optim_wrapper.state_dict(),
            param_schedulers=[scheduler.state_dict() for scheduler in run.param_schedulers],
        )
    )


def resume(run, checkpoint):
    """As mmengine's ``Runner.resume``, whose loading comes after the hooks'."""
    fit_schedules(run, checkpoint)
    run.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    for scheduler, state in zip(run.param_schedulers, checkpoint['param_schedulers']):
        scheduler.load_state_dict(state)
    run.iter = checkpoint['meta']['iter']
    return run


@pytest.mark.parametrize(('change', 'iterations'), [(dict(end=12), 6), (dict(end=5), 4), (dict(lr=0.3), 3)])
def test_a_changed_schedule_goes_on_as_if_it_had_always_been_so(change, iterations):
    before = run_of()
    go(before, iterations)
    always = go(run_of(**change), 12)
    assert go(resume(run_of(**change), checkpoint_of(before)), 12 - iterations) == always[iterations:]


def test_an_unchanged_schedule_is_left_alone():
    before = run_of()
    go(before, 3)
    before.optim_wrapper.param_groups[0]['lr'] = 0.123  # whatever it is, it is the run's
    checkpoint = checkpoint_of(before)
    untouched = copy.deepcopy(checkpoint)
    fit_schedules(run_of(), checkpoint)
    assert checkpoint == untouched


def test_another_number_of_schedules():
    before = run_of()
    go(before, 3)

    def poly(wrapper, end):
        return warm_up_and_poly(wrapper, end)[1:]

    always = go(run_of(poly), 6)
    assert go(resume(run_of(poly), checkpoint_of(before)), 3) == always[3:]


def test_epochs_are_stepped_at_their_ends():
    """Three epochs of 4 iterations, saved in the middle of the second one."""
    options = dict(by_epoch=True, epoch_length=4)
    before = run_of(end=3, max_epochs=3, **options)
    go(before, 6, epoch_length=4)
    always = go(run_of(end=6, max_epochs=6, **options), 24, epoch_length=4)
    run = resume(run_of(end=6, max_epochs=6, **options), checkpoint_of(before, epoch=1))
    assert go(run, 18, epoch_length=4) == always[6:]


def test_more_epochs_are_no_mistake():
    """The last epoch of such a schedule has a rate of 0, which is warned of; a longer run of them is as good."""
    options = dict(by_epoch=True, epoch_length=4)
    run = run_of(end=6, max_epochs=6, **options)
    before = run_of(end=3, max_epochs=3, **options)
    go(before, 4, epoch_length=4)
    fit_schedules(run, dict(checkpoint_of(before, epoch=1), message_hub=dict(runtime_info=dict(max_iters=12))))


def test_a_schedule_that_follows_a_metric_cannot_be_moved():
    def plateau(wrapper, end):
        return [*warm_up_and_poly(wrapper, end), ReduceOnPlateauLR(wrapper)]

    before = run_of(plateau)
    go(before, 3)
    with pytest.raises(UserError, match=r'PolyLR end 6 -> 12.*load_from'):
        resume(run_of(plateau, end=12), checkpoint_of(before))
    before.param_schedulers[2].best = 0.5  # what it remembers is no setting
    resume(run_of(plateau), checkpoint_of(before))


def test_runs_that_go_on_past_their_schedule_are_refused():
    run = run_of()
    check_schedules(run)
    run.iter = 7
    with pytest.raises(UserError, match=r'at iteration 7.*ends at 6.*max_iters'):
        check_schedules(run)


@pytest.mark.parametrize(('resumed', 'eta_min'), [(False, 0), (True, 0), (True, 1e-4)])
def test_a_run_that_goes_on_with_a_rate_of_zero(resumed, eta_min, monkeypatch):
    """Written so, it is warned of, and can be resumed; lengthened without its schedule, it is refused."""
    run = run_of()
    run.param_schedulers[1].eta_min = eta_min
    run.train_loop._max_iters = 12
    said = []
    monkeypatch.setattr(resumed_schedules, 'print_log', lambda text, *_: said.append(text))
    check_schedules(run)
    assert [text[:26] for text in said] == ['PolyLR ends at iteration 6'] * (eta_min == 0)
    checkpoint = dict(checkpoint_of(run), message_hub=dict(runtime_info=dict(max_iters=6 if resumed else 12)))
    if resumed and not eta_min:
        with pytest.raises(UserError, match=r'PolyLR ends at iteration 6.*it is then 12'):
            fit_schedules(run, checkpoint)
    else:
        fit_schedules(run, checkpoint)


def test_epochs_in_a_loop_that_has_none():
    with pytest.raises(UserError, match=r'LinearLR counts epochs.*by_epoch=False'):
        check_schedules(run_of(by_epoch=True))


@pytest.mark.slow
def test_a_longer_run_follows_its_schedule(tmp_path):
    """Its rates are those of a run that was so long from the start; a shorter one says so."""
    config = toy_config(draw_images(tmp_path / 'data'))
    del config['param_scheduler'][1]['end']
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    longer = ['--cfg-options', 'train_cfg.max_iters=9']
    assert train(path, run) == 0, output(run)
    assert train(path, run, '--resume', *longer) == 0, output(run)
    assert train(path, tmp_path / 'whole', *longer) == 0
    rates, whole = (
        {step: terms['lr'] for step, terms in loss_curve(folder).items()} for folder in (run, tmp_path / 'whole')
    )
    assert [rates[step] for step in (7, 8, 9)] == [whole[step] for step in (7, 8, 9)]
    assert rates[7] > rates[8] > rates[9]
    assert train(path, run, '--resume', '--cfg-options', 'train_cfg.max_iters=4') == 2
    assert 'nothing is left to train' in output(run)
    assert 'Traceback' not in output(run)
