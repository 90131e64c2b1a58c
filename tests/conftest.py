"""Setup of every test: this checkout, one thread, its own seed."""

import itertools
import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the tests run without an installation, on the code beside them
os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))

import mmseg_ssl  # noqa: E402, F401  first, because mmseg 1.2.2 does not import on mmcv-lite unmended

# Tests are small; more threads than cores only make them wait for each other.
torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 1)))

_tests = itertools.count()


@pytest.fixture(autouse=True)
def fresh_start() -> None:
    """Seed, and make mmseg the default scope, so that a result does not depend on the tests before it in the worker."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    DefaultScope.get_instance(f'test_{next(_tests)}', scope_name='mmseg')


@pytest.fixture
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT
