"""Options of ``tools/train.py`` that change how a step is computed, each of them also a setting of the config."""

import argparse
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log

from ..errors import UserError
from .cli import at_least

PRECISIONS = ('auto', 'bf16', 'fp16')
WRAPPERS = dict(bf16=dict(type='Bf16OptimWrapper'), fp16=dict(type='AmpOptimWrapper', loss_scale='dynamic'))


def add_speed_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command line."""
    parser.add_argument(
        '--amp',
        nargs='?',
        const='auto',
        metavar='bf16|fp16',
        help='mixed precision: bf16, or fp16 with loss scaling (default: fp16 on a GPU, bf16 on a CPU that has it)',
    )
    parser.add_argument('--channels-last', action='store_true', help='channels-last layout, fast with --amp')
    parser.add_argument('--compile', action='store_true', help='compile backbones and necks by torch.compile')
    parser.add_argument('--accumulate', type=at_least(1), metavar='N', help='step once for the gradients of N batches')
    parser.add_argument(
        '--checkpoint-activations', action='store_true', help="compute backbones' blocks twice: slower, less memory"
    )


def apply_speed_options(cfg: Config, args: argparse.Namespace) -> None:
    """Write the options into a config, and take over the host's settings for the same.

    mmengine's ``compile`` would compile the whole ``train_step``, and its ``activation_checkpointing`` is a list of
    modules; True is taken for all backbones.

    Args:
        cfg: The config, changed in place.
        args: The command line.

    Raises:
        UserError: An option does not go with the config or the device.
    """
    if args.amp:
        enable_amp(cfg, args.amp)
    if args.channels_last:
        cfg.merge_from_dict({'model.data_preprocessor.channels_last': True})
    if args.accumulate:
        cfg.optim_wrapper.accumulative_counts = args.accumulate
    compiled = cfg.pop('compile', False) or args.compile
    checkpointed = args.checkpoint_activations
    if cfg.get('activation_checkpointing') is True:
        checkpointed = cfg.pop('activation_checkpointing')
    if compiled and checkpointed:
        raise UserError('compile and activation checkpointing exclude each other: leave one of them out.')
    if compiled:
        _add_hook(cfg, type='CompileNetworks', **(compiled if isinstance(compiled, dict) else {}))
    if checkpointed:
        _add_hook(cfg, type='CheckpointActivations')


def enable_amp(cfg: Config, precision: str = 'auto') -> None:
    """Switch the optimizer wrapper to mixed precision.

    Args:
        cfg: The config, changed in place.
        precision: ``'bf16'``; ``'fp16'``, with loss scaling; or ``'auto'``: what the config has, else float16 on a GPU
            and bfloat16 on the CPU.

    Raises:
        UserError: There is no such precision, the device cannot do it, or the config uses a wrapper of another kind.
    """
    if precision not in PRECISIONS:
        raise UserError(f'--amp {precision}: take bf16 or fp16, or nothing for what the device is fast with.')
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    kinds = {wrapper['type'] for wrapper in WRAPPERS.values()}
    if kind not in {'OptimWrapper', *kinds}:
        raise UserError(f'--amp works with optim_wrapper type OptimWrapper; the config has {kind}. Leave --amp out.')
    gpu = torch.cuda.is_available()
    if precision == 'auto' and kind in kinds:
        print_log(f'--amp: the config has {kind} already.', 'current')
        return
    if precision == 'fp16' and not gpu:
        raise UserError('--amp fp16 needs a GPU, and there is none here. Take --amp bf16.')
    if precision == 'auto' and not gpu:
        print_log('--amp: no GPU here, so bfloat16 on the CPU (Bf16OptimWrapper).', 'current')
    for name in ('loss_scale', 'dtype', 'use_fsdp'):  # of AmpOptimWrapper alone
        cfg.optim_wrapper.pop(name, None)
    cfg.optim_wrapper.update(WRAPPERS['fp16' if precision == 'fp16' or (precision == 'auto' and gpu) else 'bf16'])


def _add_hook(cfg: Config, **hook: Any) -> None:
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), hook]
