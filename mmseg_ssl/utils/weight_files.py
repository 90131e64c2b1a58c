"""Weights that a config names by a relative path."""

import re
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple, Union

from mmengine.config import Config

from ..errors import UserError
from .last_checkpoint import NOTE, end_of_run

PROJECT = Path(__file__).resolve().parents[2]
# Written by another training, e.g. the first of two stages.
OF_A_RUN = re.compile(rf'work_dirs/(?P<run>[^/]+)/(.*\.pth|{NOTE})$')
KEYS = ('checkpoint', 'pretrained', 'load_from')


def find_weights(config: Config, path: Optional[Union[str, Path]] = None) -> None:
    """Make the paths of weights absolute, and stop if there is no such file.

    A relative path is looked for in the current folder, then in the folders above the config file, then in this
    project, so that a config works from any folder. Addresses (``https://``, ``open-mmlab://``) stay as they are. A
    ``load_from`` that ends in ``last_checkpoint`` becomes the last checkpoint of that run, which must have ended: so a
    first stage has one name, whatever its length.

    Args:
        config: The config, changed in place: ``load_from``, and ``checkpoint`` or ``pretrained`` in ``model``.
        path: The config file; by default the one that the config was read from.

    Raises:
        UserError: Files are missing; the message says where each was looked for and where it comes from. Or a run
            whose last checkpoint is wanted has not ended.
    """
    file = path or config.filename
    above = list(Path(file).resolve().parents)[:-1] if file else []
    folders = [Path.cwd(), *above, PROJECT]
    problems = []
    for holder, key, where in _named(config):
        value = Path(holder[key]).expanduser()
        found = next((folder / value for folder in folders if (folder / value).is_file()), None)
        if found is None:
            problems.append(f'  {where}: {holder[key]} ({_source(holder[key])})')
        elif found.name == NOTE:
            holder[key] = str(end_of_run(found))
        elif found != Path.cwd() / value:
            holder[key] = str(found)
    if problems:
        looked = 'the current folder, those above the config, and the project'
        raise UserError(
            f'weights that the config names are not there (looked in {looked}):\n' + '\n'.join(problems) + '\n'
            'Put the file there, or name another: --cfg-options <setting>=<file>; a setting of None starts from '
            'random weights.'
        )


def _named(config: Config) -> Iterator[Tuple[Any, str, str]]:
    """List what holds a local path of weights, the key, and the dotted name of the setting."""
    if _is_local(config.get('load_from')) and not config.get('resume'):
        yield config, 'load_from', 'load_from'
    yield from _within(config.get('model') or {}, ['model'])


def _within(part: Any, names: List[str]) -> Iterator[Tuple[Any, str, str]]:
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, (list, tuple)) else ()
    for key, value in items:
        if isinstance(part, dict) and key in KEYS and _is_local(value):
            yield part, key, '.'.join([*names, key])
        else:
            yield from _within(value, [*names, str(key)])


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and value != '' and '://' not in value


def _source(value: str) -> str:
    """Say where a file comes from."""
    run = OF_A_RUN.search(value)
    if run:
        return f'the run of config {run["run"]}.py writes it: train that one first'
    if 'mobilenet_v2_imagenet' in value:
        return (
            "Google's mobilenet_v2_1.0_224 in mmseg's names; other ImageNet weights: init_cfg.checkpoint="
            'mmcls://mobilenet_v2 init_cfg.prefix=backbone. in the same place'
        )
    return "the comment in the network's config, configs/_base_/networks, says where it comes from"
