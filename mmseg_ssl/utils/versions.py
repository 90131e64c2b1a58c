"""Check of the versions of Python and of the host."""

import importlib
import re
import sys
from typing import Tuple

INSTALL = """Install one of the two stacks; in a checkout of mmseg_ssl, '.[openmmlab]' and -e:
  pip install 'mmseg_ssl[openmmlab]'   (mmsegmentation, mmengine, mmcv-lite)
  pip install 'mmseg_ssl[onedl]'       (their maintained continuation, with the same import names)
Never both in one environment: they overwrite each other."""
MINIMUM = {'torch': (2, 1), 'mmengine': (0, 10, 0), 'mmcv': (2, 0, 0), 'mmseg': (1, 2, 2)}
PYTHONS = ((3, 10), (3, 12))


def release_numbers(version: str) -> Tuple[int, ...]:
    """Turn ``'2.13.0+cpu'`` into ``(2, 13, 0)``."""
    return tuple(int(part) for part in re.split(r'\.?[^\d.]', version, maxsplit=1)[0].split('.'))


def _hint(error: str) -> str:
    """Return the way out of a failed import: opencv-python draws windows, for which a bare machine has no library."""
    if 'libGL' in error or 'libgthread' in error:
        return 'Where there is no screen: pip uninstall opencv-python, then pip install opencv-python-headless.'
    return INSTALL


def check_versions() -> None:
    """Raise an error with the installation command if the host is missing or too old.

    Raises:
        ImportError: Python is not 3.10 to 3.12, or a package is missing, does not import, or is too old.
    """
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        raise ImportError(
            f'mmseg_ssl runs on Python 3.10 to 3.12; this is {sys.version.split()[0]}. '
            'Make an environment with one of those.'
        )
    for name, minimum in MINIMUM.items():
        try:
            version = importlib.import_module(name).__version__
        except ModuleNotFoundError as error:
            raise ImportError(f'mmseg_ssl needs {name}; {error}. {INSTALL}') from error
        except ImportError as error:  # of a library of the system
            raise ImportError(f'{name} does not import: {error}. {_hint(str(error))}') from error
        except AssertionError as error:  # how mmseg 1.2.2 refuses mmcv >= 2.2.0
            raise ImportError(
                f'{name} does not import: {error} (mmsegmentation 1.2.2 takes mmcv >=2.0.0rc4, <2.2.0). {INSTALL}'
            ) from error
        if release_numbers(version) < minimum:
            raise ImportError(f'mmseg_ssl needs {name} >= {".".join(map(str, minimum))}; found {version}. {INSTALL}')
