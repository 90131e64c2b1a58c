"""Reading hundreds of configs."""

import functools

import pytest
from mmengine.config import utils


@pytest.fixture(scope='session', autouse=True)
def read_the_hosts_index_once():
    """To find one base file of the host, mmengine reads each of its YAML files: three quarters of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, 'load', functools.lru_cache(maxsize=None)(utils.load))
        yield
