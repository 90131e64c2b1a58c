"""The runner beside a bare loop over the same batches: what loop, hooks and logs add to the steps of a training."""

import copy
import statistics
import sys
import tempfile
from contextlib import redirect_stdout
from typing import Any, Callable, Dict, List

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from torch.utils.data import DataLoader

from ...engine import HOOKS_OF_EVERY_RUN, add_hooks, build_runner
from ...engine.bare_model import bare_model
from ...engine.endless_batches import EndlessBatches
from ...errors import UserError
from ...models.ema_teacher import has_average
from ...utils.weight_files import find_weights
from .clock import Clock

WARM_UP = 1
"""Blocks of either loop that do not count."""


class TimedBatches(EndlessBatches):
    """Batches of a loader, and the seconds that were waited for them."""

    def __init__(self, dataloader: DataLoader, now: Callable[[], float]) -> None:
        super().__init__(dataloader)
        self.now, self.waited = now, 0.0

    def __next__(self) -> Any:
        begin = self.now()
        batch = super().__next__()
        self.waited += self.now() - begin
        return batch


class BareLoop(Hook):
    """Stops the runner's clock after each block of iterations, and takes as many steps in a bare loop.

    The bare loop is ``model.train_step(next(batches), optimizer)``, and a teacher's moving average: with a copy of
    model and optimizer, and its own loader of the same batches. Blocks of both take turns in one process, so that other
    load on the machine slows both.

    Args:
        size: Steps of a block.
        blocks: Number of blocks that count.
        cpu_time: See :class:`Clock`.
    """

    def __init__(self, size: int, blocks: int, cpu_time: bool = False) -> None:
        self.size, self.blocks, self.cpu_time = size, blocks, cpu_time
        self.times: Dict[str, List[float]] = dict(runner=[], bare=[], data=[])

    def before_train(self, runner: Any) -> None:
        """Build the bare loop, with the runner's weights; other hooks have started the teacher by now."""
        model, cfg = bare_model(runner), runner.cfg
        device = next(model.parameters()).device
        self.clock = Clock(str(device), self.cpu_time)
        self.model = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg.model))).to(device)
        self.model.load_state_dict(model.state_dict())
        self.model.train()
        self.optim_wrapper = build_optim_wrapper(self.model, copy.deepcopy(cfg.optim_wrapper))
        self.ema = has_average(self.model)
        self.own = runner.train_loop.dataloader_iterator = TimedBatches(runner.train_loop.dataloader, self.clock.now)
        self.batches = EndlessBatches(runner.build_dataloader(copy.deepcopy(cfg.train_dataloader), runner.seed))
        self.done, self.begin = 0, self.clock.mark()

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Take a block of the bare loop when one of the runner is complete; stop the runner after the last."""
        self.done += 1
        if self.done % self.size:
            return
        self.clock.wait()
        middle = self.clock.mark()
        for _ in range(self.size):
            self.model.train_step(next(self.batches), self.optim_wrapper)
            if self.ema:
                self.model.teacher.update(self.model.student, 0.01)
        end = self.clock.mark()
        self.clock.wait()
        for name, span in (('runner', (self.begin, middle)), ('bare', (middle, end))):
            self.times[name].append(self.clock.ms(*span) / self.size)
        self.times['data'].append(1000 * self.own.waited / self.size)
        self.own.waited = 0.0
        runner.train_loop.stop_training = len(self.times['bare']) == WARM_UP + self.blocks
        self.begin = self.clock.mark()


def compare_with_bare_loop(cfg: Config, blocks: int, size: int = 5, cpu_time: bool = False) -> Dict[str, Any]:
    """Train by the runner as ``tools/train.py`` does, without validations, beside a bare loop.

    Args:
        cfg: The config; its own number of iterations stays that of the schedules, of which the first are run.
        blocks: Number of blocks of each loop.
        size: Steps of a block.
        cpu_time: Count the computing time of this process alone, which then loads the data, too.

    Returns:
        Milliseconds per step of each block: ``runner``, ``bare``, and ``data``, the runner's share that waits for data.

    Raises:
        UserError: The config counts epochs, or there are not enough iterations.
    """
    cfg, steps = copy.deepcopy(cfg), size * (WARM_UP + blocks)
    if cfg.train_cfg.get('max_iters', 0) <= steps:
        raise UserError(f'The runner takes {steps} steps; the config needs more: train_cfg.max_iters above it.')
    for name in ('val', 'test'):
        cfg.update({f'{name}_cfg': None, f'{name}_dataloader': None, f'{name}_evaluator': None})
    if cpu_time:
        cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
        cfg.train_dataloader.pop('prefetch_factor', None)
    add_hooks(cfg, **HOOKS_OF_EVERY_RUN)
    find_weights(cfg)
    cfg.get('visualizer', {}).pop('name', None)  # by which the one of a run before would be taken
    loop = BareLoop(size, blocks, cpu_time)
    with tempfile.TemporaryDirectory() as cfg.work_dir, redirect_stdout(sys.stderr):
        runner = build_runner(cfg)
        runner.register_hook(loop, priority='LOWEST')
        runner.train()
    return {name: values[WARM_UP:] for name, values in loop.times.items()}


def loop_report(found: Dict[str, Any]) -> str:
    """Make the markdown table of several configs.

    Args:
        found: ``machine``, ``cpu_time``, and in ``loops`` what :func:`compare_with_bare_loop` returned, by config.
    """
    lines = ['| config | runner ms | bare ms | ratio | of blocks | data |', '|---|---|---|---|---|---|']
    for name, times in found['loops'].items():
        runner, bare, data = (statistics.median(times[key]) for key in ('runner', 'bare', 'data'))
        ratios = sorted(one / other for one, other in zip(times['runner'], times['bare']))
        low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
        cells = f'{runner:.1f}', f'{bare:.1f}', f'{runner / bare:.3f}', f'{low:.2f} to {high:.2f}'
        lines.append(f'| {name} | {" | ".join(cells)} | {100 * data / runner:.1f} % |')
    count, machine = len(times['bare']), found['machine']
    clock = ', time that the process computed' if found['cpu_time'] else ''
    conditions = (
        f'{machine["device"]}, {machine["threads"]} threads, PyTorch {machine["torch"]}; medians of {count} blocks in '
        f'turns{clock}. of blocks: where eight of ten ratios lie; data: the runner '
        'waiting for batches. Made by `tools/benchmark_step.py --runner`.'
    )
    return '\n'.join([*lines, '', conditions])
