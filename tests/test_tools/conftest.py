"""Start of the tests of tools."""

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from load_tool import load_tool
from mmengine.registry import init_default_scope
from photo_run import LABELED, NAMES, write_data_config, write_png
from tiny_run import noise, write_run


@pytest.fixture(scope='module')
def tool(request: pytest.FixtureRequest) -> ModuleType:
    """The tool that a file of tests is named after."""
    return load_tool(Path(request.module.__file__).stem[len('test_') :])


@pytest.fixture(scope='module')
def photo_run(tmp_path_factory):
    """A run, which is written once: its config is formatted, which takes a second."""
    init_default_scope('mmseg')
    folder = tmp_path_factory.mktemp('trained')
    write_run(folder / 'run')
    return folder / 'run'


@pytest.fixture
def place(tmp_path, photo_run, monkeypatch):
    """A run on six images, of which two have masks."""
    shutil.copytree(photo_run, tmp_path / 'run')
    (tmp_path / 'run/last_checkpoint').unlink()  # it names the copied one
    for number, name in enumerate(NAMES):
        write_png(tmp_path / f'photos/{name}.png', noise(number))
    for name in LABELED:
        write_png(tmp_path / f'masks/{name}.png', np.full((40, 56), 3, np.uint8))
    (tmp_path / 'list.txt').write_text('\n'.join(LABELED))
    write_data_config(tmp_path, 'run')
    monkeypatch.chdir(tmp_path)
    return tmp_path
