"""Rules for what a run is made of: settings that would be taken without an effect, or with one that nobody wants."""

import re
from typing import Any, Iterator, List, Sequence

from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.optim.scheduler.param_scheduler import INF
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmseg.evaluation import IoUMetric
from torch import nn

from ..datasets.semi_sampler import SemiSampler
from ..models.ema_teacher import has_average
from .mean_teacher_hook import MeanTeacherHook
from .stage_hook import StageHook
from .supervised_start_hook import SupervisedStartHook
from .unsup_ramp_hook import UnsupRampHook

OF_A_START = ('load_from', 'resume', 'work_dir', 'launcher', "checkpoint='", 'experiment_name', 'randomness')
"""Settings that may change at each start of a run, and the seed, which stays the checkpoint's."""
SINGLE = (MeanTeacherHook, UnsupRampHook, StageHook, SupervisedStartHook)
"""Hooks that would undo or repeat what another one of their kind did."""


def changed_lines(before: str, now: str) -> List[str]:
    """List the lines of a config's text that an earlier text did not have; neither is read as a config.

    Args:
        before: Text of the checkpoint's config.
        now: Text of the run's.

    Returns:
        Lines without those that every resumed run changes.
    """
    known, lines = ([line.strip().rstrip(',()[]') for line in text.splitlines()] for text in (before, now))
    # a run may go on for longer; the length stands within a line
    known, bare = ([re.sub(r'max_iters ?= ?\d+', 'max_iters', line) for line in part] for part in (known, lines))
    return [line for line, rest in zip(lines, bare) if line and rest not in known and not line.startswith(OF_A_START)]


def hook_problems(hooks: Sequence[Any], model: nn.Module) -> Iterator[str]:
    """Yield hooks that are there twice, and a teacher that would stay as it is.

    Args:
        hooks: The run's hooks.
        model: The bare model.
    """
    for kind in SINGLE:
        found = [type(hook).__name__ for hook in hooks if isinstance(hook, kind)]
        if len(found) > 1:
            yield (
                f'the run has {" and ".join(found)}: the second one acts again on what the first one did. Leave one in '
                'custom_hooks.'
            )
    if has_average(model) and not any(isinstance(hook, MeanTeacherHook) for hook in hooks):
        yield (
            f'the teacher of {type(model).__name__} is an average of the student, and nothing updates it: add '
            "dict(type='MeanTeacherHook') to custom_hooks."
        )


def hook_warnings(hooks: Sequence[Any], model: nn.Module, fresh: bool) -> Iterator[str]:
    """Yield hooks that are probably not meant, and one that is missing.

    Args:
        hooks: The run's hooks.
        model: The bare model.
        fresh: The run starts from no other run's weights.
    """
    averaged = any(isinstance(hook, EMAHook) for hook in hooks)
    if averaged and has_average(model):
        yield (
            'EMAHook averages the teacher, too, which is an average already, and is validated in its place. For an '
            "average of the student alone remove it and set model.predict_on='teacher'."
        )
    stages = list(getattr(model, 'stages', ()))
    if len(stages) > 1 and fresh and not any(isinstance(hook, StageHook) for hook in hooks):
        yield (
            f'{type(model).__name__} has the stages {", ".join(stages)}; without StageHook (or ELNStageHook) in '
            f'custom_hooks, all of the run is "{getattr(model, "stage", "")}". Add it, or name in load_from the '
            f'checkpoint of a run of "{stages[0]}".'
        )


def view_warnings(model: Any) -> Iterator[str]:
    """Yield strong views that nobody reads, or that are the weak ones.

    Args:
        model: The bare model; one without views has none.
    """
    strong = dict(getattr(getattr(model, 'data_preprocessor', None), 'strong', None) or {})
    views = tuple(getattr(model, 'views', strong))
    for name, augment in strong.items():
        if name not in views:
            yield (
                f'model.data_preprocessor.strong makes the view {name!r}, which {type(model).__name__} does not read '
                f'(it reads {", ".join(views)}): it costs time in every step. Remove it.'
            )
        elif not getattr(augment, 'changes', True):
            yield (
                f'the view {name!r} is the weak one: every probability or strength of its {type(augment).__name__} is '
                '0. Remove these settings from model.data_preprocessor.strong.'
            )


def mixing_warnings(model: Any, loop: Any) -> Iterator[str]:
    """Yield CutMix in batches of one unlabeled image, which has no partner but itself.

    Args:
        model: The bare model.
        loop: The run's training loop.
    """
    loader = getattr(loop, 'dataloader', None)
    ratio = getattr(getattr(loader, 'dataset', None), 'unlabeled_per_labeled', 0)
    images = (getattr(loader, 'batch_size', 0) or 0) * ratio
    if images == 1 and getattr(getattr(model, 'cutmix', None), 'prob', 0) > 0:
        yield (
            'a batch has one unlabeled image, so CutMix pastes it into itself: nothing is mixed. Set '
            'train_dataloader.batch_size or dataset.unlabeled_per_labeled to 2 or more, or model.cutmix=dict(prob=0).'
        )


def metric_warnings(metrics: Sequence[Any], model: Any) -> Iterator[str]:
    """Yield the host's metric where several networks predict: it scores the first one alone.

    Args:
        metrics: Those of the validation.
        model: The bare model.
    """
    names = tuple(getattr(model, 'predictors', ()))
    if len(names) > 1 and any(type(metric) is IoUMetric for metric in metrics):
        yield (
            f'model.predict_on names {", ".join(names)}, of which IoUMetric scores {names[0]} alone. Write '
            "val_evaluator=dict(type='SemiIoUMetric')."
        )


def schedule_warnings(schedulers: Any, loop: Any) -> Iterator[str]:
    """Yield a schedule of the learning rate that goes on after the run: it was written for a longer one.

    Args:
        schedulers: The run's, built; a dict of lists for several optimizers.
        loop: Its training loop.
    """
    groups = schedulers.values() if isinstance(schedulers, dict) else [schedulers or []]
    for one in (one for group in groups for one in group):
        unit, length = ('epoch', loop.max_epochs) if one.by_epoch else ('iteration', loop.max_iters)
        if one.param_name == 'lr' and length < one.end < INF:
            yield (
                f'{type(one).__name__} ends at {unit} {one.end}, and the run at {length}: it was written for a longer '
                f'one. Leave its end out of param_scheduler (it is then {length}).'
            )


def checkpoint_problems(hooks: Sequence[Any]) -> Iterator[str]:
    """Yield an interval of checkpoints that is no whole number: the host would save after every iteration.

    Args:
        hooks: The run's hooks.
    """
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and isinstance(hook.interval, float):
            yield (
                f'{type(hook).__name__}: interval is a whole number of iterations (or epochs), got {hook.interval}: it '
                'would save after every one. Only val_interval, ramps, stages and pictures take shares of the run.'
            )


def loop_problems(loop: Any) -> Iterator[str]:
    """Yield the host's loop of epochs with a sampler that never ends: so would the first epoch.

    Args:
        loop: The run's training loop.
    """
    sampler = getattr(getattr(getattr(loop, 'dataloader', None), 'batch_sampler', None), 'sampler', None)
    hosts = isinstance(loop, EpochBasedTrainLoop) and type(loop).run_epoch is EpochBasedTrainLoop.run_epoch
    if hosts and isinstance(sampler, SemiSampler):
        yield (
            f'{type(loop).__name__}, which by_epoch=True means, trains in one epoch for ever, for SemiSampler never '
            f"ends. Write train_cfg=dict(type='SemiEpochTrainLoop', max_epochs={loop.max_epochs}), without by_epoch."
        )


def checkpoint_warnings(hooks: Sequence[Any], loop: Any) -> Iterator[str]:
    """Yield an interval in epochs, the host's default, where the loop has none.

    Args:
        hooks: The run's hooks.
        loop: Its training loop.
    """
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.by_epoch and isinstance(loop, IterBasedTrainLoop):
            yield (
                f'{type(hook).__name__} counts epochs (by_epoch=True, the default), which {type(loop).__name__} does '
                'not have: its interval never comes. Write default_hooks.checkpoint.by_epoch=False.'
            )
