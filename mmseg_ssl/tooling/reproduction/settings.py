"""Reads configs of the project, each once."""

from functools import lru_cache

from mmengine.config import Config

from ..cli import load_config
from ..trainings.job_maker import config_path


@lru_cache(maxsize=None)
def read_config(path: str) -> Config:
    """Read a config of the project.

    Args:
        path: Its path from the root of the project.
    """
    return load_config(str(config_path(path)))
