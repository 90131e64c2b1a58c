"""Shared code of the command-line tools: reading configs, and errors that a user can fix."""

import argparse
import difflib
import json
import re
import shlex
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import torch
from mmengine.config import Config, DictAction
from mmengine.logging import print_log
from mmengine.registry import init_default_scope

from ..errors import UserError
from ..utils.project_files import CONFIGS, SCOPE, find_config
from .option_names import check_options
from .user_errors import add_debug_option, readable_errors

__all__ = [
    'CfgOptions',
    'UserError',
    'add_debug_option',
    'at_least',
    'check_device',
    'load_config',
    'read_json',
    'readable_errors',
    'set_launcher',
    'tool_command',
]


class CfgOptions(DictAction):
    """The option ``--cfg-options KEY=VALUE ...``, with readable errors; a path keeps its spaces."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """Read the pairs; see argparse."""
        for pair in values:
            if not re.fullmatch(r'[^=\s]+=.*', pair, re.DOTALL):
                parser.error(f'{option_string}: expected KEY=VALUE pairs without spaces around "=", got {pair!r}')
        try:
            super().__call__(parser, namespace, values, option_string)
        except Exception as error:
            parser.error(f'{option_string} {" ".join(values)}: {error}')
        for key, _, value in (pair.partition('=') for pair in values):
            if not set('()[],') & set(value):  # of what is no list the host removes the spaces, too
                getattr(namespace, self.dest)[key] = self._parse_int_float_bool(value.strip('\'" '))


def load_config(path: str, options: Optional[Dict[str, Any]] = None) -> Config:
    """Read a config file and apply ``--cfg-options``.

    Args:
        path: The file, relative to the current folder; or a config of this package, ``mmseg_ssl::<method>/<name>.py``,
            also as ``configs/<method>/<name>.py`` where there is no such file.
        options: Dotted key -> value.

    Returns:
        The config.

    Raises:
        UserError: There is no such file (the message names the nearest ones), it cannot be read, or an option does not
            fit it.
    """
    file = path if Path(path).is_file() else str(find_config(path))
    if not Path(file).is_file():
        raise UserError(_no_such_config(Path(path)))
    try:
        config = Config.fromfile(file)
    except Exception as error:  # a config is the user's program and may raise anything
        raise UserError(f'{_place(file, error)}: {type(error).__name__}: {error}') from error
    options = options or {}
    check_options(config, path, options)
    try:
        config.merge_from_dict(options)
    except Exception as error:
        given = ' '.join(f'{key}={value!r}' for key, value in options.items())
        raise UserError(f'--cfg-options {given} does not fit {path}: {error}') from error
    _drop_worker_settings(config)
    # The Runner would set the scope, but the data are checked before it is built.
    init_default_scope(config.get('default_scope') or 'mmseg')
    return config


def _drop_worker_settings(config: Config) -> None:
    """Remove settings that torch refuses without workers, so that ``num_workers=0`` on the command line just works."""
    changed = []
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = config.get(key)
        if not isinstance(loader, dict) or loader.get('num_workers'):
            continue
        unfit = [name for name in ('persistent_workers', 'prefetch_factor') if loader.pop(name, None)]
        changed += [f'{key}.{name}' for name in unfit]
    if changed:
        print_log(f'num_workers=0: {", ".join(changed)} left out, because they need workers.', 'current')


def at_least(low: int) -> Callable[[str], int]:
    """Make a ``type`` for argparse: a whole number that is at least ``low``."""

    def read(text: str) -> int:
        if not re.fullmatch(r'[+-]?\d+', text.strip()) or int(text) < low:
            raise argparse.ArgumentTypeError(f'expected a whole number of at least {low}, got {text!r}')
        return int(text)

    return read


def check_device(name: str) -> None:
    """Try a device before any long work starts.

    Raises:
        UserError: It does not exist.
    """
    try:
        if name.startswith('cuda') and not torch.cuda.is_available():
            raise RuntimeError('torch sees no CUDA device')
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f'--device {name} cannot be used here ({reason}). Leave it out, or give cpu.') from error


def read_json(path: Path, fix: str = 'Remove it and make it again.') -> Any:
    """Read a JSON file, in any encoding of Unicode.

    Args:
        path: The file.
        fix: What to do about a damaged one; the default is for what a tool of ours wrote.

    Raises:
        UserError: It is damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is not a JSON file, or is truncated: {error}. {fix}') from error


def _place(path: str, error: Exception) -> str:
    """Say that a config cannot be read, and in which of the files that it inherits from, and in which line."""
    place, trace = path, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name == '_file2dict':
            place = str(trace.tb_frame.f_locals.get('filename', path))
        elif trace.tb_frame.f_code.co_name == '<module>' and trace.tb_frame.f_code.co_filename == place:
            place = f'{place}, line {trace.tb_lineno}'
        trace = trace.tb_next
    return f'{path} cannot be read' + (f' ({place})' if place != path else '')


def set_launcher(config: Config, launcher: str) -> None:
    """Set the launcher; without a GPU, connect torchrun's processes through gloo.

    mmengine needs a GPU as soon as there is a launcher, but accepts an existing process group, and a wrapper without a
    device.

    Args:
        config: The config, changed in place.
        launcher: The launcher from the command line.
    """
    config.launcher = launcher
    if launcher == 'pytorch' and not torch.cuda.is_available():
        from ..utils.processes import start_gloo

        start_gloo()
        if config.get('model_wrapper_cfg'):
            return
        config.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=config.get('find_unused_parameters', False),
        )


def _no_such_config(path: Path) -> str:
    """Return the message for a missing config, with the most similar names."""
    known = {file.name: f'{SCOPE}{file.relative_to(CONFIGS).as_posix()}' for file in CONFIGS.rglob('*.py')}
    known.update((file.name, str(file)) for folder in ('configs', 'projects') for file in Path(folder).rglob('*.py'))
    names = [name for name, file in known.items() if '_base_' not in file and name != '__init__.py']
    near = [known[name] for name in difflib.get_close_matches(path.name, sorted(names), n=3, cutoff=0.5)]
    hint = 'Did you mean:\n  ' + '\n  '.join(near) if near else f'Configs of this package are in {CONFIGS}.'
    return f'there is no config {path}. {hint}'


def tool_command(*words: object) -> str:
    """Return the command of a tool as it can be pasted into a shell: ``mmseg-ssl`` and these words, quoted.

    Args:
        *words: The tool's name, options and paths.
    """
    return shlex.join(['mmseg-ssl', *map(str, words)])
