"""Where configs, lists and tools lie: in the checkout, or in the ``.mim`` folder of an installed package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
IS_CHECKOUT = (PACKAGE.parent / 'setup.py').is_file()
"""True if the package was imported from a checkout, installed or not."""
PROJECT = PACKAGE.parent if IS_CHECKOUT else PACKAGE / '.mim'
"""Folder of ``configs`` and ``tools``, which are only read."""
CONFIGS = PROJECT / 'configs'
TOOLS = PROJECT / 'tools'
WORKSPACE = PROJECT if IS_CHECKOUT else Path()
"""Folder of what tools write without being told where: the checkout, or the current folder."""
SCOPE = 'mmseg_ssl::'
"""What the name of a config of this package begins with: ``mmseg_ssl::dueb/dueb_r101_cityscapes_1-8.py``."""


def find_config(name: str) -> Path:
    """Return the path of a config of this package.

    Args:
        name: ``mmseg_ssl::dueb/dueb_r101_cityscapes_1-8.py``, or the same with ``configs/`` in the place of the scope.

    Returns:
        The path below :data:`CONFIGS`; the file may not exist.
    """
    for start in (SCOPE, 'configs/'):
        if name.startswith(start):
            return CONFIGS / name[len(start) :]
    return CONFIGS / name
