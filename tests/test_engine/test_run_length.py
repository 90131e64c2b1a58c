"""The length of a run is one number; ramps, stages and validations are shares of it."""

import logging
from types import SimpleNamespace

import pytest
import tiny
import torch
from mmengine.logging import MessageHub
from toy_process import log_text, loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine import ELNStageHook, SemiTrainLoop, StageHook, UnsupRampHook
from mmseg_ssl.engine.run_length import check_moment, to_interval, to_iteration


def runner_of(length, model=None):
    return SimpleNamespace(
        max_iters=length, model=model, iter=0, logger=logging.getLogger('test'), message_hub=MessageHub('length')
    )


def resumed(before, length, iteration):
    """A run of another length that goes on from the checkpoint of another one; what it says is in ``said``."""
    runner = runner_of(length, before.model)
    runner.iter, runner.said = iteration, []
    runner.logger = SimpleNamespace(info=runner.said.append, warning=runner.said.append)
    runner.message_hub.load_state_dict(before.message_hub.state_dict())
    return runner


def test_a_share_is_the_nearest_iteration():
    """The papers' epochs come out to the iteration: 5 of 80 epochs of 620, 70 and 120 of 500 epochs of 266."""
    assert [to_iteration(share, 80 * 620) for share in (0.0, 5 / 80, 1.0)] == [0, 5 * 620, 80 * 620]
    assert [to_iteration(share / 500, 500 * 266) for share in (70, 120, 158)] == [70 * 266, 120 * 266, 158 * 266]
    assert [to_iteration(share, 10) for share in (0.14, 0.16)] == [1, 2]
    assert [to_iteration(moment, 10) for moment in (0, 1, 7, 5000)] == [0, 1, 7, 5000]


def test_no_interval_ends_just_before_the_run():
    """22272 iterations have tenths of 2227.2: rounded down, the tenth would end 2 iterations before the run."""
    for length in (100, 22272, 39338, 52860):
        for count in (1, 2, 3, 10, 20):
            interval = to_interval(1 / count, length)
            last = length // interval * interval
            assert last == length or length - last > interval / 2
    assert [to_interval(0.1, length) for length in (22272, 52860, 2)] == [2228, 5286, 1]
    assert to_interval(0.07, 100) == 7
    assert to_interval(4000, 10) == 4000


@pytest.mark.parametrize('moment', [-1, -0.1, 1.5, 4000.0, '0.5', None])
def test_what_is_no_moment(moment):
    with pytest.raises(ValueError, match=r'end is a number of iterations .* or a share of the run .* got'):
        check_moment(moment, 'end')


def test_an_interval_of_nothing():
    for interval in (0, 0.0):
        with pytest.raises(ValueError, match='above 0'):
            to_interval(interval, 100)


@pytest.mark.parametrize('length', [200, 800, 8])
def test_a_ramp_ends_at_its_share(length):
    hook = UnsupRampHook(0.25, 0.5)
    hook.before_train(runner_of(length))
    assert [hook.scale(length * eighths // 8) for eighths in (0, 2, 3, 4, 8)] == [0, 0, 0.5, 1, 1]


def test_a_ramp_of_no_iterations_is_a_step():
    hook = UnsupRampHook(0.5, 0.6)
    hook.before_train(runner_of(2))
    assert [hook.scale(iteration) for iteration in (0, 1, 2)] == [0, 0, 1]


def test_a_ramp_sets_the_factor_of_the_model():
    model = torch.nn.Module()
    model.register_buffer('unsup_scale', torch.ones(()))
    hook = UnsupRampHook(0, 4)
    hook.before_train(runner_of(8))
    hook.before_train_iter(SimpleNamespace(iter=1, model=model), 0)
    assert model.unsup_scale == 0.25
    with pytest.raises(TypeError, match='needs one of the methods of mmseg_ssl, got Linear'):
        hook.before_train_iter(SimpleNamespace(iter=1, model=torch.nn.Linear(1, 1)), 0)


def test_iterations_behind_a_share():
    hook = UnsupRampHook(130, 0.325)
    hook.before_train(runner_of(800))
    assert (hook.scale(130), hook.scale(260)) == (0, 1)
    with pytest.raises(ValueError, match=r'iterations 130 and 65 .* 200: give both as shares'):
        hook.before_train(runner_of(200))


def test_wrong_ramps():
    for begin, end in ((0.5, 0.25), (3, 3), (0, -1), (0, 4000.0)):
        with pytest.raises(ValueError, match='UnsupRampHook'):
            UnsupRampHook(begin, end)


@pytest.mark.parametrize(
    ('length', 'stages'),
    [(8, ['pretrain'] * 2 + ['warmup'] * 2 + ['semi'] * 4), (2, ['warmup', 'semi']), (1, ['semi'])],
)
def test_stages_come_at_their_shares(length, stages):
    """Also where a run is too short for all of them: then the later one of two that start together."""
    hook = ELNStageHook(dict(semi=0.5, pretrain=0.0, warmup=0.25))
    runner, seen = runner_of(length, tiny.build('ELN')), []
    hook.before_train(runner)
    for runner.iter in range(length):
        hook.before_train_iter(runner, 0)
        seen.append(runner.model.stage)
    assert seen == stages


def test_stages_in_another_order():
    """Of 10 iterations half is before iteration 7, of 20 it is not: the last stage came first, then warmup."""
    hook = ELNStageHook(dict(pretrain=0, warmup=0.5, semi=7))
    hook.before_train(runner_of(10, tiny.build('ELN')))
    with pytest.raises(ValueError, match="in this order, .*'semi': 7, 'warmup': 10.*all starts as shares"):
        hook.before_train(runner_of(20, tiny.build('ELN')))


def test_a_longer_run_returns_to_no_stage():
    """In iteration 1000 of 1000 ELN is in its last stage; of 10000, shares of 0.24 begin at 2400."""
    starts, first = dict(pretrain=0.0, warmup=0.14, semi=0.24), runner_of(1000, tiny.build('ELN'))
    kept = dict(pretrain=0, warmup=140, semi=240)
    ELNStageHook(starts).before_train(first)
    longer, again = resumed(first, 10000, 1000), None
    for runner in (longer, again):
        runner = runner or resumed(longer, 20000, 5000)  # a second time
        hook = ELNStageHook(starts)
        hook.before_train(runner)
        hook.before_train_iter(runner, 0)
        assert (hook.starts, runner.model.stage) == (kept, 'semi')
        assert runner.said[0].startswith(
            'The length of the run changed, and stage_starts stay: pretrain at 0, warmup at 140, semi at 240.'
        )
    for changed, length in ((dict(starts, semi=0.3), 10000), (starts, 1000)):
        runner, hook = resumed(first, length, 1000), ELNStageHook(changed)
        hook.before_train(runner)
        assert hook.starts['semi'] == (3000 if length == 10000 else 240)  # what was written anew counts
        assert not any('stay' in text for text in runner.said)
    anew = resumed(first, 10000, 0)  # another run of this process
    hook = ELNStageHook(starts)
    hook.before_train(anew)
    assert hook.starts['semi'] == 2400


def test_a_longer_run_goes_down_no_ramp():
    first = runner_of(1000)
    UnsupRampHook(0.0, 0.5).before_train(first)
    hook, longer = UnsupRampHook(0.0, 0.5), resumed(first, 10000, 1000)
    hook.before_train(longer)
    assert hook.scale(1000) == 1
    assert 'unlabeled_ramp stay: begin at 0, end at 500' in longer.said[0]


def test_a_hook_of_two_runs():
    """The shares stay, so a second run of another length has its own iterations."""
    hook, model = StageHook(dict(pretrain=0, full=0.5)), tiny.build('SoftSelfLabeling')
    for length in (10, 40):
        hook.before_train(runner_of(length, model))
        assert hook.starts == dict(pretrain=0, full=length // 2)
    for starts in (dict(pretrain=0.1), dict(pretrain=0, full=0.0), dict(pretrain=0, full=7.0)):
        with pytest.raises(ValueError, match='StageHook'):
            StageHook(starts)


def test_the_loop_knows_iterations():
    """Host and hooks read val_interval as a number of iterations."""
    data = torch.utils.data.DataLoader(torch.zeros(4, 1))
    runner = SimpleNamespace(visualizer=SimpleNamespace(), logger=logging.getLogger('test'), seed=0, _randomness_cfg={})
    loops = [SemiTrainLoop(runner, data, 39338, **options) for options in (dict(val_interval=0.1), {})]
    assert [loop.val_interval for loop in loops] == [3934, 1000]
    assert loops[0].dynamic_intervals == [3934]


@pytest.mark.slow
def test_one_number_makes_a_run_shorter(tmp_path):
    """Rate, ramp and validations follow max_iters; when a run goes on with another length, the ramp stays."""
    config = toy_config(draw_images(tmp_path / 'data'))
    config['param_scheduler'] = [dict(type='PolyLR', power=1.0, eta_min=0, by_epoch=False)]
    config['train_cfg'] = dict(type='SemiTrainLoop', max_iters=6, val_interval=0.5)
    config['custom_hooks'].append(dict(type='UnsupRampHook', begin=0.0, end=0.5))
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    shorter = ['--cfg-options', 'train_cfg.max_iters=4']
    assert train(path, run, *shorter) == 0, output(run)
    curve = loss_curve(run)
    assert [curve[step]['lr'] for step in sorted(curve)] == pytest.approx([0.1, 0.2 / 3, 0.1 / 3, 0])
    assert [curve[step]['unsup.loss_consistency'] > 0 for step in sorted(curve)] == [False, True, True, True]
    assert log_text(run).count('mIoU: ') == 2
    assert 'count from iteration 0 on, and in full from iteration 2 on' in output(run)
    assert train(path, run, '--resume') == 0, output(run)
    assert 'PolyLR end 4 -> 6' in output(run) and 'in full from iteration 2 on' in output(run)
    assert loss_curve(run)[5]['lr'] == pytest.approx(0.02)
