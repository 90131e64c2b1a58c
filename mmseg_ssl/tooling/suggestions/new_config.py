"""Writes the config of a training on a labeled set that has grown."""

import copy
import os
from pathlib import Path
from typing import Any, Dict

from mmengine.config import Config

from ...utils.atomic_files import replace_file
from .new_folder import NewFolder
from .new_set import NewSet

TEXT = """# {base}, on the labels of this folder.
_base_ = {base!r}
work_dir = {work_dir!r}
resume = False
train_dataloader = dict(dataset={dataset})
"""


def write_config(cfg: Config, folder: NewFolder, planned: NewSet) -> str:
    """Write a config that inherits from another one, with masks and list of a folder.

    Args:
        cfg: The config of the earlier training.
        folder: The folder, with ``masks``, ``labeled.txt`` and, if images moved, ``images``.
        planned: What the new labeled set is.

    Returns:
        Its name in the folder.
    """
    place = folder.folder.absolute()
    changes = _changes(cfg, place, planned)
    stem = f'{Path(cfg.filename).stem}_{folder.folder.name}'
    base = os.path.relpath(cfg.filename, place)
    text = TEXT.format(base=base, work_dir=f'work_dirs/{stem}', dataset=_as_code(changes))
    replace_file(folder.place / f'{stem}.py', text.encode())
    return f'{stem}.py'


def with_labels(cfg: Config, folder: NewFolder, planned: NewSet) -> Config:
    """Return a config with the labels of a folder that has not got its name yet.

    Args:
        cfg: The config of the earlier training.
        folder: The folder.
        planned: What the new labeled set is.
    """
    changed = copy.deepcopy(cfg)
    changed.merge_from_dict(dict(train_dataloader=dict(dataset=_changes(cfg, folder.place.absolute(), planned))))
    return changed


def _changes(cfg: Config, place: Path, planned: NewSet) -> Dict[str, Any]:
    """Return what another labeled set changes in the config of the training set."""
    given = cfg.train_dataloader['dataset']
    changes: Dict[str, Any] = {}
    outer, inner = (changes, given)
    if 'labeled' in given:
        changes['split'] = _short(place / 'labeled.txt')
        inner = given['labeled']
        outer = changes.setdefault('labeled', {})
    while 'dataset' in inner:
        inner = inner['dataset']
        outer = outer.setdefault('dataset', {})
    if 'labeled' not in given or inner.get('ann_file'):
        outer['ann_file'] = str(place / 'labeled.txt')
    prefix = dict(seg_map_path=_from_root(place / 'masks', inner.get('data_root')))
    if planned.images:
        prefix['img_path'] = _from_root(place / 'images', inner.get('data_root'))
    if planned.suffix is not None:
        outer['img_suffix'] = planned.suffix
    outer['data_prefix'] = prefix
    return changes


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
