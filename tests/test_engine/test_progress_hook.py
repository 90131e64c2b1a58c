"""The bar in a terminal, and its estimate of what is left."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub
from mmengine.runner import EpochBasedTrainLoop

from mmseg_ssl.engine import ProgressHook
from mmseg_ssl.engine.progress_hook import validations_left
from mmseg_ssl.engine.quiet_console import ConsoleFilter
from mmseg_ssl.engine.start_summary_hook import _length
from mmseg_ssl.engine.time_left import TimeLeft, in_words


def test_the_pace_leaves_the_warm_up_and_validations_out():
    """Three slow iterations, then two of 2 s; a validation of 10 s in between is no part of an iteration."""
    left = TimeLeft()
    left.start(0.0)
    for now in (50.0, 60.0, 70.0):
        left.iteration_done(now)
    assert left.left(10, 0) is None and left.describe(10, 0) == 'no estimate yet'
    left.iteration_done(72.0)
    left.validation_done(10.0)
    left.iteration_done(84.0)
    assert left.pace() == pytest.approx(2.0)
    assert left.left(10, 3) == pytest.approx(10 * 2.0 + 3 * 10.0)


def test_a_validation_that_nobody_has_timed_is_named_not_guessed():
    left = TimeLeft()
    left.start(0.0)
    for now in range(1, 6):
        left.iteration_done(float(now))
    assert left.describe(30, 2) == '30 s and 2 validations left'
    left.validation_done(60.0)
    assert left.describe(30, 2) == '2 min left'


def test_the_pace_is_that_of_late():
    """A later stage that costs three times as much: after 200 of its iterations the first stage is forgotten."""
    left, now = TimeLeft(), 0.0
    left.start(now)
    for pace in [1.0] * 300 + [3.0] * 200:
        now += pace
        left.iteration_done(now)
    assert left.pace() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ('seconds', 'words'),
    [(40, '40 s'), (89.4, '89 s'), (100, '2 min'), (3599, '1 h 00 min'), (11100, '3 h 05 min'), (187200, '2 d 4 h')],
)
def test_durations(seconds, words):
    assert in_words(seconds) == words


class Epochs(EpochBasedTrainLoop):
    def __init__(self, max_epochs, **options):
        self._max_epochs = max_epochs
        vars(self).update(options)


def runner_of(max_iters=20, val_interval=6, max_epochs=0, logger=None, val_begin=1):
    options = dict(val_interval=val_interval, val_begin=val_begin)
    loop = Epochs(max_epochs, **options) if max_epochs else SimpleNamespace(**options)
    hub = MessageHub.get_instance('progress')
    hub.update_scalar('train/loss', 1.25)
    return SimpleNamespace(
        rank=0,
        iter=0,
        max_iters=max_iters,
        max_epochs=max_epochs or 1,  # as the host has it
        train_loop=loop,
        val_loop=loop,
        val_dataloader=[0, 0],
        message_hub=hub,
        logger=logger or logging.getLogger('progress'),
    )


@pytest.mark.parametrize(('done', 'left'), [(0, 4), (5, 4), (6, 3), (18, 1), (19, 1), (20, 0)])
def test_validations_to_come(done, left):
    """After 6, 12, 18 and, as the last one, 20 iterations."""
    assert validations_left(runner_of(), done) == left
    assert validations_left(SimpleNamespace(val_loop=None), done) == 0


def test_validations_before_their_beginning_do_not_come():
    """From iteration 15 on, every 6: after 18 and 20; from 25 on, none."""
    assert [validations_left(runner_of(val_begin=15), done) for done in (0, 17, 18, 20)] == [2, 2, 1, 0]
    assert validations_left(runner_of(val_begin=25), 0) == 0


def test_validations_to_come_in_epochs():
    """4 epochs of 5 iterations, validated every 2 epochs: after 10 and 20 iterations."""
    assert [validations_left(runner_of(20, 2, 4), done) for done in (0, 9, 10, 19, 20)] == [2, 2, 1, 1, 0]


def test_validations_to_come_in_one_epoch():
    """One epoch of 20 iterations, validated at its end, and not after each of them."""
    assert [validations_left(runner_of(20, 1, 1), done) for done in (0, 19, 20)] == [1, 1, 0]
    assert _length(runner_of(20, 1, 1)) == '1 epoch, validated every 1'
    assert _length(runner_of(20, 6)) == '20 iterations, validated every 6'


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run_through(monkeypatch, stream):
    """Run the hook over 20 iterations with a validation; what a logger writes goes where it would."""
    monkeypatch.setattr(sys, 'stdout', stream)
    monkeypatch.setenv('COLUMNS', '150')
    monkeypatch.setenv('TERM', 'xterm')
    logger = logging.Logger('progress')
    logger.addHandler(logging.StreamHandler(stream))
    logger.handlers[0].addFilter(ConsoleFilter())
    runner, hook = runner_of(logger=logger), ProgressHook()
    hook.before_train(runner)
    for runner.iter in range(20):
        logger.info('Iter(train) [1/20]  lr: 0.1')
        hook.after_train_iter(runner, runner.iter)
        if runner.iter in (5, 11, 17, 19):
            runner.iter += 1  # as the loop counts before it validates
            hook.before_val_epoch(runner)
            hook.after_val_iter(runner, 0)
            hook.after_val_epoch(runner, dict(mIoU=41.26))
            logger.info('Saving checkpoint')
    hook.after_run(runner)
    return stream.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch):
    text = run_through(monkeypatch, Terminal())
    last = text[text.rindex('20/20') :]
    # the validation after the last iteration is still to come, for a while
    assert 'loss 1.25 · mIoU 41.3 · 0 s left' in last
    assert 'Saving checkpoint' in text and 'Iter(train)' not in text
    assert text.rindex('\x1b[?25h') > text.rindex('\x1b[?25l')  # the cursor is back


def test_the_last_validation_counts_until_it_is_over(monkeypatch):
    """With validations of an hour, the time that is left after the last iteration is one of them."""
    said = []
    monkeypatch.setattr(ProgressHook, '_say', lambda self, runner, done, validations: said.append((done, validations)))
    run_through(monkeypatch, Terminal())
    assert said[-2:] == [(20, 1), (20, 0)] and said[5:7] == [(6, 4), (6, 3)]


def test_a_file_gets_the_plain_lines_alone(monkeypatch):
    text = run_through(monkeypatch, io.StringIO())
    line, saved = 'Iter(train) [1/20]  lr: 0.1\n', 'Saving checkpoint\n'
    assert text == (line * 6 + saved) * 3 + line * 2 + saved
