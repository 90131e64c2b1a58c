"""Finds the files of weights that a config names by a relative path."""

import re
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple, Union

from mmengine.config import Config

from ..errors import UserError
from .last_checkpoint import LAST_CHECKPOINT, end_of_run
from .project_files import PROJECT

# Weights that another training writes, e.g. the first of two stages.
OF_A_RUN = re.compile(rf'work_dirs/(?P<run>[^/]+)/(.*\.pth|{LAST_CHECKPOINT})$')
WEIGHT_KEYS = ('checkpoint', 'pretrained', 'load_from')


def find_weights(config: Config, path: Optional[Union[str, Path]] = None) -> None:
    """Make the paths of weights absolute, and raise an error if a file does not exist.

    A relative path is looked up in the current folder, then in the folders above the config file, then in this project,
    so a config works from any folder. URLs (``https://``, ``open-mmlab://``) stay as they are. A ``load_from`` that
    ends in ``last_checkpoint`` becomes the last checkpoint of that run, which must have ended; so the first of two
    stages has one name, whatever its length.

    Args:
        config: The config, changed in place: ``load_from``, and ``checkpoint`` or ``pretrained`` in ``model``.
        path: The config file; by default the one that the config was read from.

    Raises:
        UserError: Files are missing (the message says where they were looked up and where to get them), or the run
            whose last checkpoint is needed has not ended.
    """
    file = path or config.filename
    above = list(Path(file).resolve().parents)[:-1] if file else []
    folders = [Path.cwd(), *above, PROJECT]
    problems = []
    for holder, key, where in _local_weights(config):
        value = Path(holder[key]).expanduser()
        found = next((folder / value for folder in folders if (folder / value).is_file()), None)
        if found is None:
            problems.append(f'  {where}: {holder[key]} ({_origin(holder[key])})')
        elif found.name == LAST_CHECKPOINT:
            holder[key] = str(end_of_run(found))
        elif found != Path.cwd() / value:
            holder[key] = str(found)
    if problems:
        looked = 'the current folder, those above the config, and the project'
        raise UserError(
            f'weights in the config do not exist (looked in {looked}):\n' + '\n'.join(problems) + '\n'
            'Put the file there, or name another: --cfg-options <setting>=<file>; init_cfg=None, pretrained=None or '
            'load_from=None starts from random weights.'
        )


def _local_weights(config: Config) -> Iterator[Tuple[Any, str, str]]:
    """Yield the dict with a local path of weights, its key, and the dotted name of the setting."""
    if _is_local(config.get('load_from')) and not config.get('resume'):
        yield config, 'load_from', 'load_from'
    yield from _local_weights_in(config.get('model') or {}, ['model'])


def _local_weights_in(part: Any, names: List[str]) -> Iterator[Tuple[Any, str, str]]:
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, (list, tuple)) else ()
    for key, value in items:
        if isinstance(part, dict) and key in WEIGHT_KEYS and _is_local(value):
            yield part, key, '.'.join([*names, key])
        else:
            yield from _local_weights_in(value, [*names, str(key)])


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and value != '' and '://' not in value


def _origin(value: str) -> str:
    """Say where to get a file."""
    run = OF_A_RUN.search(value)
    if run:
        return f'the run of config {run["run"]}.py writes it: train that one first'
    if 'mobilenet_v2_imagenet' in value:
        return (
            "Google's mobilenet_v2_1.0_224 in mmseg's names; other ImageNet weights, with backbone. before each: "
            'init_cfg.checkpoint=mmcls://mobilenet_v2 init_cfg.prefix=backbone. conv_cfg=None'
        )
    return "the comment in the network's config, configs/_base_/networks, says where it comes from"
