"""Schedules of a resumed run: those of its config, at the iteration where it continues."""

import logging
import warnings
from typing import Any, Dict, List

import torch
from mmengine.dist import all_gather
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop

from ..errors import UserError

# State that changes while a scheduler runs; everything else in its state is a setting.
PROGRESS = ('last_step', '_global_step', '_last_value', 'verbose', 'best', 'num_bad_epochs', 'cooldown_counter')


def fit_schedules(runner: Any, checkpoint: Dict[str, Any]) -> None:
    """Put the config's schedules into a checkpoint that is about to be resumed, if they differ from the saved ones.

    mmengine loads a scheduler's settings along with its position: a lengthened run would continue at the end of the old
    schedule, mostly with a learning rate of 0. Here changed settings, the base learning rate among them, count from the
    saved iteration on, as if they had never been different. Without changes, nothing is touched.

    Args:
        runner: The runner, whose optimizer and schedulers are built and have not been stepped.
        checkpoint: The loaded checkpoint; its ``param_schedulers`` and ``optimizer`` are changed in place.

    Raises:
        UserError: A changed schedule follows a metric, so its position cannot be computed; or the run was lengthened
            without its schedule, and the learning rate would be 0.
    """
    known = checkpoint.get('message_hub', {}).get('runtime_info', {}).get('max_iters', float('inf'))
    problem = _zero_rate(runner.train_loop, runner.param_schedulers, last_epoch=False)
    if problem and known < runner.train_loop.max_iters:
        raise UserError(problem)
    fresh, saved = runner.param_schedulers, checkpoint.get('param_schedulers')
    if not fresh or not saved or 'optimizer' not in checkpoint:
        return
    if isinstance(fresh, list):
        groups = [(fresh, saved, runner.optim_wrapper, checkpoint['optimizer'])]
    else:
        names = [name for name in fresh if name in saved]
        groups = [
            (fresh[name], saved[name], runner.optim_wrapper[name], checkpoint['optimizer'][name]) for name in names
        ]
    changed = [change for schedulers, states, *_ in groups for change in _changes(schedulers, states)]
    if not changed:
        return
    if any(getattr(scheduler, 'need_val_args', False) for schedulers, *_ in groups for scheduler in schedulers):
        raise UserError(
            f'the schedule differs from the checkpoint ({"; ".join(changed)}), and the position of one that follows a '
            'metric cannot be computed. Undo the change, or start a new run with load_from=<checkpoint>.'
        )
    for schedulers, states, wrapper, optimizer in groups:
        _replay(runner, schedulers, checkpoint['meta'])
        states[:] = [scheduler.state_dict() for scheduler in schedulers]
        _copy_values(schedulers, wrapper, optimizer)
    rate = max(value for values in runner.optim_wrapper.get_lr().values() for value in values)
    runner.logger.info(
        f"The schedule changed since the checkpoint ({'; '.join(changed)}): the config's counts from iteration "
        f'{checkpoint["meta"]["iter"]} on, where its largest learning rate is {rate:.4g}.'
    )


def check_schedules(runner: Any) -> None:
    """Refuse a run whose schedules cannot work, and warn of a learning rate of 0.

    Args:
        runner: The runner, right before training.

    Raises:
        UserError: The run ends before the checkpoint's iteration, or a schedule counts epochs in a loop that has none.
    """
    loop = runner.train_loop
    if runner.iter > loop.max_iters:
        raise UserError(
            f'the checkpoint is at iteration {runner.iter}, and the run ends at {loop.max_iters}: nothing is left to '
            f'train. Raise train_cfg.max_iters (or max_epochs), or resume from a checkpoint before {loop.max_iters}.'
        )
    for scheduler in _schedulers_of_all_optimizers(runner.param_schedulers):
        by_metric = getattr(scheduler, 'need_val_args', False)
        if scheduler.by_epoch and not by_metric and isinstance(loop, IterBasedTrainLoop):
            raise UserError(
                f'{type(scheduler).__name__} counts epochs (by_epoch=True, the default), which {type(loop).__name__} '
                'does not have: it would never step. Write by_epoch=False, with begin and end in iterations.'
            )
    problem = _zero_rate(loop, runner.param_schedulers, last_epoch=True)
    if problem:
        print_log(problem, 'current', logging.WARNING)


def check_same_start(runner: Any) -> None:
    """Refuse processes that resumed at different iterations.

    Args:
        runner: The runner, right before training.

    Raises:
        UserError: They differ.
    """
    starts = sorted({int(start) for start in all_gather(torch.tensor(runner.iter))})
    if len(starts) > 1:
        raise UserError(
            f'the processes continue from different iterations, {starts}: {runner.work_dir} must be one folder that '
            'all machines share, or --resume must name a file that is the same on all.'
        )


def _schedulers_of_all_optimizers(schedulers: Any) -> List[Any]:
    groups = schedulers.values() if isinstance(schedulers, dict) else [schedulers or []]
    return [scheduler for group in groups for scheduler in group]


def _zero_rate(loop: Any, schedulers: Any, last_epoch: bool) -> str:
    """Return a message if a run continues with a learning rate of 0, or has one in its ``last_epoch``; else ``''``."""
    rates = [scheduler for scheduler in _schedulers_of_all_optimizers(schedulers) if scheduler.param_name == 'lr']
    for by_epoch, length in ((False, loop.max_iters), (True, loop.max_epochs)):
        last = max((one for one in rates if one.by_epoch == by_epoch), key=lambda one: one.end, default=None)
        if last is None or 0 not in (getattr(last, 'eta_min', None), getattr(last, 'end_factor', None)):
            continue
        name, unit = type(last).__name__, 'epoch' if by_epoch else 'iteration'
        if last.end < length:
            return (
                f'{name} ends at {unit} {last.end} with a learning rate of 0, and the run lasts until {unit} {length}. '
                f'Leave its end out of param_scheduler (it is then {length}), or give a lower bound (eta_min=1e-5).'
            )
        if by_epoch and last_epoch:
            return (
                f'{name} steps once per epoch, so the whole last epoch has a learning rate of 0. Give it '
                'convert_to_iter_based=True, which steps after every iteration, or a lower bound (eta_min).'
            )
    return ''


def _changes(schedulers: List[Any], states: List[Dict[str, Any]]) -> List[str]:
    """Name the settings in which built schedulers and saved states differ."""
    if len(schedulers) != len(states):
        return [f'{len(states)} -> {len(schedulers)} schedulers']
    changes = []
    for scheduler, old in zip(schedulers, states):
        new = scheduler.state_dict()
        for name in sorted((new.keys() | old.keys()) - set(PROGRESS)):
            if not callable(new.get(name)) and new.get(name) != old.get(name):  # functions are not saved
                detail = '' if name == 'base_values' else f' {old.get(name)} -> {new.get(name)}'
                label = f'base {scheduler.param_name}' if name == 'base_values' else name
                changes.append(f'{type(scheduler).__name__} {label}{detail}')
    return changes


def _replay(runner: Any, schedulers: List[Any], meta: Dict[str, Any]) -> None:
    """Step schedulers as training up to the checkpoint would have done."""
    loop = runner.train_loop
    epoch_length, epochs = max(loop.max_iters // loop.max_epochs, 1), meta['epoch']
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # torch's advice: the optimizer has not stepped before its scheduler
        for iteration in range(1, meta['iter'] + 1):
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
            if iteration % epoch_length == 0 and iteration // epoch_length <= epochs:
                for scheduler in schedulers:
                    if scheduler.by_epoch:
                        scheduler.step()


def _copy_values(schedulers: List[Any], wrapper: Any, optimizer: Dict[str, Any]) -> None:
    """Write the scheduled values of an optimizer into its saved state."""
    saved = [*optimizer['param_groups'], *filter(None, [optimizer.get('base_param_settings')])]
    names = {scheduler.param_name for scheduler in schedulers}
    for new, old in zip(wrapper.param_groups, saved):
        for name in names:
            old.update({key: new[key] for key in (name, f'initial_{name}') if key in new})
