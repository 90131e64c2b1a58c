"""Scripts of ``tools/`` and ``tests/``, which are no packages, as modules."""

import importlib.util
from pathlib import Path
from types import ModuleType

TOOLS = Path(__file__).resolve().parents[1] / 'tools'


def load_tool(name: str) -> ModuleType:
    """Load ``tools/<name>.py`` of this checkout."""
    return load_script(TOOLS / f'{name}.py')


def load_script(path: Path) -> ModuleType:
    """Load a file by its path."""
    spec = importlib.util.spec_from_file_location(f'{path.stem}_{path.parent.name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
