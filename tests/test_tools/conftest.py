"""Start of the tests of tools."""

from pathlib import Path
from types import ModuleType

import pytest
from load_tool import load_tool


@pytest.fixture(scope='module')
def tool(request: pytest.FixtureRequest) -> ModuleType:
    """The tool that a file of tests is named after."""
    return load_tool(Path(request.module.__file__).stem[len('test_') :])
