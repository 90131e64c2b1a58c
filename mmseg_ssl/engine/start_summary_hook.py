"""What a run is, in ten lines, before its first iteration."""

import inspect
from pathlib import Path
from typing import Any, List, Tuple

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmseg.registry import HOOKS
from torch import nn

from ..models import EMATeacher
from .bare_model import bare_model
from .data_summary_hook import DataSummaryHook
from .run_length import counts_epochs, to_interval


@HOOKS.register_module()
class StartSummaryHook(Hook):
    """Logs data, network, method, length, device and files of a run, a line each."""

    priority = 'VERY_LOW'  # after the data were counted, and after hooks that compile or wrap networks

    def before_train(self, runner: Any) -> None:
        """Log the summary; the first process does it for all."""
        if runner.rank == 0:
            runner.model.train()  # as the loop will: only then are a backbone's frozen stages without gradients
            runner.logger.info('\n' + '\n'.join(f'  {name:<9}{text}' for name, text in describe_run(runner)))


def describe_run(runner: Any) -> List[Tuple[str, str]]:
    """Describe a run before its first step.

    Args:
        runner: The runner, whose loops are built.

    Returns:
        ``(name, text)`` of each line.
    """
    model, dataset = bare_model(runner), runner.train_dataloader.dataset
    begun = f', goes on after {runner.iter}' if runner.iter else ''
    return [
        ('config', f'{_short(runner.cfg.filename or "in Python")} -> {_short(runner.work_dir)}'),
        ('data', _data(runner)),
        ('classes', _classes(dataset.metainfo.get('classes', ()))),
        ('network', _network(model)),
        ('method', _method(model)),
        ('batch', _batch(runner)),
        ('length', _length(runner) + begun),
        ('device', _device(model, runner.optim_wrapper)),
        ('log', f'{_short(runner.log_dir)}/{runner.timestamp}.log has the rest (--verbose: here); seed {runner.seed}'),
    ]


def _data(runner: Any) -> str:
    """Describe the sets, as :class:`DataSummaryHook` has counted them."""
    for hook in runner.hooks:
        if isinstance(hook, DataSummaryHook) and hook.summary is not None:
            one, parts = hook.summary, [f'{found.name} {found.images}' for found in hook.overlaps]
            source = f' ({one.list})' if one.list else ''
            both = f' ({one.shared} of them labeled, too)' if one.shared else ''
            return ', '.join([f'{one.labeled} labeled{source}', f'{one.unlabeled} unlabeled{both}', *parts]) + ' images'
    return f'{len(runner.train_dataloader.dataset)} labeled images'


def _classes(names: Tuple[str, ...]) -> str:
    shown = ', '.join(names[:8]) + (', ...' if len(names) > 8 else '')
    return f'{len(names)}: {shown}'


def _network(model: Any) -> str:
    """Name backbone and head, and count weights: of one network, and of all that are trained."""
    trained = sum(values.numel() for values in model.parameters() if values.requires_grad) / 1e6
    networks = getattr(model, 'networks', ())
    segmentor: Any = model.branch(networks[0]).segmentor if networks else model
    parts = [type(part).__name__ for part in (getattr(segmentor, name, None) for name in ('backbone', 'decode_head'))]
    each = sum(values.numel() for values in segmentor.parameters()) / 1e6
    return f'{" + ".join(parts)}, {each:.3g} M weights; {trained:.3g} M are trained in all'


def _method(model: nn.Module) -> str:
    """Name the method, its networks, and what it does in the words of its docstring."""
    said = inspect.cleandoc(type(model).__doc__ or '').partition('\n\n')[0].replace('\n', ' ')
    names = [
        f'{name} (follows)' if isinstance(getattr(model, name), EMATeacher) else name
        for name in getattr(model, 'networks', ())
    ]
    return f'{type(model).__name__}: {", ".join(names)}. {said}'


def _batch(runner: Any) -> str:
    loader, accumulated = runner.train_dataloader, getattr(runner.optim_wrapper, '_accumulative_counts', 1)
    size = loader.batch_size or 0
    ratio = getattr(loader.dataset, 'unlabeled_per_labeled', 0)
    crop = getattr(getattr(bare_model(runner), 'data_preprocessor', None), 'size', None)
    parts = [f'{size} labeled' + (f' + {size * ratio} unlabeled' if ratio else '') + ' images']
    parts[0] += f' of {crop[0]}x{crop[1]}' if crop else ''
    parts += [f'on each of {get_world_size()} processes'] if get_world_size() > 1 else []
    parts += [f'{accumulated} such batches a step'] if accumulated > 1 else []
    return ', '.join(parts)


def _length(runner: Any) -> str:
    """Say how long the run is, in the units of its loop, and when it is validated."""
    loop = runner.train_loop
    unit, length = ('epoch', loop.max_epochs) if counts_epochs(runner) else ('iteration', runner.max_iters)
    whole = f'{length} {unit}' + ('s' if length > 1 else '')
    if runner.val_loop is None:
        return f'{whole}, no validation'
    interval = to_interval(loop.val_interval, length)
    return f'{whole}, validated every {interval}'


def _device(model: nn.Module, wrapper: OptimWrapper) -> str:
    """Name the device, and the precision in which it computes."""
    device = next(model.parameters()).device
    threads = torch.get_num_threads()
    name = f'CPU, {threads} thread{"s" if threads > 1 else ""}'
    if device.type == 'cuda':
        name = f'{torch.cuda.get_device_name(device)} x {get_world_size()}'
    elif device.type != 'cpu':
        name = device.type
    kind = type(wrapper).__name__
    precision = dict(Bf16OptimWrapper='bf16', AmpOptimWrapper='mixed precision').get(kind, 'fp32')
    return f'{name}, {precision if getattr(wrapper, "enabled", True) else "fp32 (no bf16 here)"}'


def _short(path: str) -> str:
    """Return a path as short as it can be said from the current folder."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return path
