"""Writes the config of a training on a labeled set that has grown."""

import os
from pathlib import Path
from typing import Any, Dict

from mmengine.config import Config

from ...utils.atomic_files import replace_file
from .new_folder import NewFolder

TEXT = """# {base}, on the labels of this folder.
_base_ = {base!r}
work_dir = {work_dir!r}
resume = False
train_dataloader = dict(dataset={dataset})
"""


def write_config(cfg: Config, folder: NewFolder, moved: bool) -> str:
    """Write a config that inherits from another one, with masks and list of a folder.

    Args:
        cfg: The config of the earlier training.
        folder: The folder, with ``masks``, ``labeled.txt`` and, if ``moved``, ``images``.
        moved: Whether the folder holds the images, too.

    Returns:
        Its name in the folder.
    """
    given = cfg.train_dataloader['dataset']
    place = folder.folder.absolute()
    split = _short(place / 'labeled.txt')
    changes: Dict[str, Any] = {}
    outer, inner = (changes, given)
    if 'labeled' in given:
        changes['split'] = split
        inner = given['labeled']
        outer = changes.setdefault('labeled', {})
    while 'dataset' in inner:
        inner = inner['dataset']
        outer = outer.setdefault('dataset', {})
    if 'labeled' not in given or inner.get('ann_file'):
        outer['ann_file'] = str(place / 'labeled.txt')
    prefix = dict(seg_map_path=_from_root(place / 'masks', inner.get('data_root')))
    if moved:
        prefix['img_path'] = _from_root(place / 'images', inner.get('data_root'))
    outer['data_prefix'] = prefix
    stem = f'{Path(cfg.filename).stem}_{folder.folder.name}'
    base = os.path.relpath(cfg.filename, place)
    text = TEXT.format(base=base, work_dir=f'work_dirs/{stem}', dataset=_as_code(changes))
    replace_file(folder.place / f'{stem}.py', text.encode())
    return f'{stem}.py'


def _as_code(value: Any) -> str:
    if isinstance(value, dict):
        return f'dict({", ".join(f"{key}={_as_code(part)}" for key, part in value.items())})'
    return repr(value)


def _short(path: Path) -> str:
    """Return a path below the current folder relative to it, where a training is started from."""
    return path.relative_to(Path.cwd()).as_posix() if Path.cwd() in path.parents else str(path)


def _from_root(path: Path, root: Any) -> str:
    """Return a path as a dataset reads it: relative to its data root, where both are below the current folder."""
    if root and not os.path.isabs(root) and Path.cwd() in path.parents:
        return Path(os.path.relpath(path, Path(root).absolute())).as_posix()
    return str(path)
