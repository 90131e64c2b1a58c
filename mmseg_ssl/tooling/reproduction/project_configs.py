"""Configs of the project: found by what rows of tables name, and read, each once."""

import re
from functools import lru_cache
from typing import Dict, Optional

from mmengine.config import Config as Settings

from ..cli import load_config
from ..config_leaves import Config, configs_of
from ..matrix import METHODS
from ..trainings.job_maker import config_path

FIRST = re.compile(r'work_dirs/(?P<name>[^/]+)/last_checkpoint')
"""``load_from`` of a config that begins where another one ended."""


@lru_cache(maxsize=None)
def configs() -> Dict[str, Dict[str, Config]]:
    """Configs of the matrix: ``'<method> <network> <data> <variant>'`` -> list -> config."""
    found: Dict[str, Dict[str, Config]] = {}
    for method in METHODS:
        for config in configs_of(method):
            key = f'{method.folder} {config.condition.replace("_", " ", 1)} {config.variant.name}'.strip()
            found.setdefault(key, {})[config.list] = config
    return found


def name_of(config: Config) -> str:
    """Return the name of a config's file without suffix."""
    return config.name(config.variant.name)


def path_of(config: Config) -> str:
    """Return the path of a config from the root of the project."""
    return f'configs/{config.method.folder}/{name_of(config)}.py'


def batch_of(config: Config) -> int:
    """Return the labeled images per step, over all processes."""
    return config.variant.batch or config.recipe.batch


@lru_cache(maxsize=None)
def read_config(path: str) -> Settings:
    """Read a config of the project.

    Args:
        path: Its path from the root of the project.
    """
    return load_config(str(config_path(path)))


def first_of(config: Config) -> Optional[Config]:
    """Return the config whose last checkpoint a config loads.

    Args:
        config: The config.
    """
    found = FIRST.fullmatch(str(read_config(path_of(config)).get('load_from') or ''))
    known = {name_of(other): other for lists in configs().values() for other in lists.values()}
    return known.get(found['name']) if found else None
