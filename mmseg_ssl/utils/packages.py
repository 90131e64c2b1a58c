"""Where packages are, by the standard library alone."""

import importlib.util
from importlib import metadata
from pathlib import Path


def is_installed(package: str) -> bool:
    """Whether a package is there, by the name it is installed or imported under."""
    try:
        return bool(get_installed_path(package))
    except (ModuleNotFoundError, RuntimeError):
        return False


def get_installed_path(package: str) -> str:
    """The folder of a package, given the name it is installed or imported under (``mmsegmentation`` or ``mmseg``).

    Raises:
        ModuleNotFoundError: There is no such package.
        RuntimeError: It is a namespace package and has no one folder.
    """
    try:
        names = (metadata.distribution(package).read_text('top_level.txt') or package).split()
    except metadata.PackageNotFoundError:
        names = [package]
    spec = importlib.util.find_spec(names[0])
    if spec is None:
        raise ModuleNotFoundError(f'{package} is not installed. Install it, or correct the name before "::" in _base_.')
    if spec.origin is None:
        raise RuntimeError(f'{package} is a namespace package, which has no one folder.')
    return str(Path(spec.origin).parent)
