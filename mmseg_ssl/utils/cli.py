"""What the command line tools share: reading configs, and errors that a user can act on."""

import difflib
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import init_default_scope


class UserError(Exception):
    """Something that the user can mend: its message is shown without a traceback."""


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn errors of the user's making into their message on stderr and exit code 2; anything else stays a traceback.

    These are :class:`UserError`, the data's ``DatasetError`` and the model's ``NetworkError``.
    """
    from ..datasets.errors import DatasetError
    from ..models import NetworkError

    try:
        yield
    except (UserError, DatasetError, NetworkError) as error:
        print(f'\nerror: {error}', file=sys.stderr)
        sys.exit(2)


def load_config(path: str, options: Optional[Dict[str, Any]] = None) -> Config:
    """Read a config file and apply ``--cfg-options``.

    Args:
        path: The file, relative to the current folder.
        options: Dotted key -> value.

    Returns:
        The config.

    Raises:
        UserError: There is no such file; the message names the nearest ones.
    """
    if not Path(path).is_file():
        raise UserError(_no_such_config(Path(path)))
    config = Config.fromfile(path)
    if options:
        config.merge_from_dict(options)
    _settle_workers(config)
    # Now and not when the Runner is built: the data are checked before.
    init_default_scope(config.get('default_scope') or 'mmseg')
    return config


def _settle_workers(config: Config) -> None:
    """Take out what dataloaders cannot have without workers; ``num_workers=0`` on the command line is meant."""
    changed = []
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = config.get(key)
        if not isinstance(loader, dict) or loader.get('num_workers'):
            continue
        unfit = [name for name in ('persistent_workers', 'prefetch_factor') if loader.pop(name, None)]
        changed += [f'{key}.{name}' for name in unfit]
    if changed:
        print_log(f'num_workers=0: {", ".join(changed)} left out, which only workers can have.', 'current')


def set_launcher(config: Config, launcher: str) -> None:
    """Say how processes were launched; without a GPU, make torchrun's processes meet through gloo.

    mmengine asks for a GPU as soon as there is a launcher. It takes a process group that exists already, and a wrapper
    that is told of no device.

    Args:
        config: The config, changed in place.
        launcher: As on the command line.
    """
    config.launcher = launcher
    if launcher == 'pytorch' and not torch.cuda.is_available():
        torch.distributed.init_process_group('gloo')
        config.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=config.get('find_unused_parameters', False),
        )


def _no_such_config(path: Path) -> str:
    """Name the configs whose names are nearest to one that does not exist."""
    known = {
        file.name: file
        for folder in ('configs', 'projects')
        for file in sorted(Path(folder).rglob('*.py'))
        if '_base_' not in file.parts and file.name != '__init__.py'
    }
    near = [str(known[name]) for name in difflib.get_close_matches(path.name, known, n=3, cutoff=0.5)]
    hint = 'Did you mean:\n  ' + '\n  '.join(near) if near else f'Configs are in configs/ (looked from {Path.cwd()}).'
    return f'there is no config {path}. {hint}'
