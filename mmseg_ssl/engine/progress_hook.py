"""A progress bar in the terminal; where nobody reads along, the log lines are all."""

import atexit
import math
import sys
import time
from typing import Any, Optional

from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from .quiet_console import ConsoleFilter, console_handlers, console_is_terminal
from .run_length import counts_epochs, to_interval
from .time_left import TimeLeft


@HOOKS.register_module()
class ProgressHook(Hook):
    """Shows iteration, pace, loss, last mIoU and the time that is left, in one line of a terminal.

    The time counts the validations to come, see :class:`~mmseg_ssl.engine.time_left.TimeLeft`. The lines of training
    losses then go to the log file alone; validations, checkpoints and warnings scroll above the bar. Without a
    terminal (CI, files) it does nothing. Reading the loss does not wait for the device: it is the one that was logged.
    """

    priority = 'LOWEST'  # after the validation's metrics and the logger

    def __init__(self) -> None:
        self._bar: Optional[Progress] = None
        self._val: Optional[TaskID] = None
        self.time_left = TimeLeft()
        self._val_start = 0.0
        self._score = ''

    def before_train(self, runner: Any) -> None:
        """Show the bar, and let the logger write above it."""
        self.time_left.start(time.monotonic())
        if runner.rank != 0 or not console_is_terminal():
            return
        columns = (
            TextColumn('{task.description}'),
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn('{task.fields[say]}'),
        )
        self._bar = Progress(*columns, console=Console(file=sys.stdout), refresh_per_second=2)
        self._train = self._bar.add_task('train', total=runner.max_iters, completed=runner.iter, say='')
        self._bar.start()
        atexit.register(self.after_run, runner)  # an error must not leave a terminal without a cursor
        for handler in console_handlers(runner.logger):
            handler.setStream(sys.stdout)  # which the bar has replaced: it moves out of the way of what is written
            for shown in handler.filters:
                if isinstance(shown, ConsoleFilter):
                    shown.progress = True

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Move on by an iteration."""
        self.time_left.iteration_done(time.monotonic())
        if self._bar is not None:
            done = runner.iter + 1
            # a validation that is due after this iteration is still to come
            self._bar.update(
                self._train, completed=done, say=self._say(runner, done, validations_left(runner, done - 1))
            )

    def before_val_epoch(self, runner: Any) -> None:
        """Show a second bar while a validation runs."""
        self._val_start = time.monotonic()
        if self._bar is not None:
            self._val = self._bar.add_task('validate', total=len(runner.val_dataloader), say='')

    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Move on by a batch of the validation."""
        if self._bar is not None and self._val is not None:
            self._bar.update(self._val, completed=batch_idx + 1)

    def after_val_epoch(self, runner: Any, metrics: Optional[dict] = None) -> None:
        """Keep the score, and how long it took."""
        self.time_left.validation_done(time.monotonic() - self._val_start)
        if metrics and 'mIoU' in metrics:
            self._score = f'mIoU {metrics["mIoU"]:.1f}'
        if self._bar is not None and self._val is not None:
            self._bar.remove_task(self._val)
            self._val = None
            done = runner.iter
            self._bar.update(self._train, say=self._say(runner, done, validations_left(runner, done)))

    def after_run(self, runner: Any) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            for handler in console_handlers(runner.logger):
                handler.setStream(sys.stdout)
            self._bar = None

    def _say(self, runner: Any, done: int, validations: int) -> str:
        """Return pace, loss, score and what is left, in words."""
        pace, losses = self.time_left.pace(), runner.message_hub.log_scalars.get('train/loss')
        parts = [] if pace is None else [f'{pace:.2g} s each']
        parts += [f'loss {losses.current():.3g}'] if losses is not None and len(losses.data[0]) else []
        parts += [self._score] if self._score else []
        return ' · '.join([*parts, self.time_left.describe(runner.max_iters - done, validations)])


def validations_left(runner: Any, done: int) -> int:
    """Count the validations to come.

    Args:
        runner: The runner.
        done: Iterations done.
    """
    if runner.val_loop is None:
        return 0
    loop = runner.train_loop
    length = runner.max_epochs if counts_epochs(runner) else runner.max_iters
    interval = to_interval(loop.val_interval, length)
    passed = max(done * length // runner.max_iters, loop.val_begin - 1)
    return math.ceil(length / interval) - passed // interval if passed < length else 0
