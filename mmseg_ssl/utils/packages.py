"""Lookup of installed packages with the standard library only."""

import importlib.util
from importlib import metadata
from pathlib import Path


def is_installed(package: str) -> bool:
    """Check if a package is installed, by its name in pip or in Python."""
    try:
        return bool(get_installed_path(package))
    except (ModuleNotFoundError, RuntimeError):
        return False


def get_installed_path(package: str) -> str:
    """Return the folder of a package, by its name in pip or in Python (``mmsegmentation`` or ``mmseg``).

    Raises:
        ModuleNotFoundError: There is no such package.
        RuntimeError: It is a namespace package, which has no single folder.
    """
    try:
        names = (metadata.distribution(package).read_text('top_level.txt') or package).split()
    except metadata.PackageNotFoundError:
        names = [package]
    spec = importlib.util.find_spec(names[0])
    if spec is None:
        raise ModuleNotFoundError(f'{package} is not installed. Install it, or correct the name before "::" in _base_.')
    if spec.origin is None:
        raise RuntimeError(f'{package} is a namespace package, which has no single folder.')
    return str(Path(spec.origin).parent)
