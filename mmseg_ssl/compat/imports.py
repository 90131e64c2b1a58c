"""Patches without which the host, or a config that inherits from it, cannot be imported."""

import importlib
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Iterator, Optional, Tuple

from ..utils.packages import get_installed_path, is_installed
from ..utils.project_files import CONFIGS, SCOPE, find_config
from ..utils.versions import release_numbers


class MissingOps(ModuleType):
    """Stand-in for ``mmcv.ops``: any public name is a class that raises an error when it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(name)

        def refuse(cls: type, *args: Any, **kwargs: Any) -> None:
            raise ImportError(
                f'mmcv.ops.{name} is a compiled operator, and {ops_error()}. '
                'Install full mmcv (>=2.0.0rc4, <2.2.0) in place of mmcv-lite, or choose a model without it.'
            )

        # A class, because mmseg also inherits from operators and asks isinstance() of them.
        placeholder = type(name, (), {'__new__': refuse, '__module__': 'mmcv.ops'})
        setattr(self, name, placeholder)
        return placeholder


def ops_error() -> str:
    """Return the reason why the real ``mmcv.ops`` cannot be imported; ``''`` if it can."""
    try:
        importlib.import_module('mmcv.ops')
    except ImportError as error:
        return f'this environment has none ({error})'
    return ''


@contextmanager
def mmcv_ops_stand_in() -> Iterator[None]:
    """Let mmseg 1.2.2 import on mmcv-lite, which has no compiled operators.

    mmseg 1.2.2 imports ``point_sample``, ``sigmoid_focal_loss``, ``CrissCrossAttention`` and ``PSAMask`` at import
    time, for four heads and one loss that few configs use. During the import, ``mmcv.ops`` is a stand-in; afterwards
    ``import mmcv.ops`` fails as before, so that code which asks for operators gets the true answer.
    onedl-mmsegmentation guards these imports itself and must see the true answer.
    """
    import mmseg

    guarded = release_numbers(mmseg.__version__) >= (1, 3)
    if guarded or 'mmseg.models' in sys.modules or not ops_error():
        yield
        return
    sys.modules['mmcv.ops'] = MissingOps('mmcv.ops')
    try:
        yield
    finally:
        del sys.modules['mmcv.ops']


def patch_package_lookup() -> None:
    """Let configs inherit from the host's (``mmseg::_base_/...``) without ``pkg_resources``.

    mmengine 0.10.7 looks up packages with ``pkg_resources``, which setuptools dropped in version 82 and which Python
    3.12 environments lack anyway. ``importlib.metadata`` of the standard library gives the same answers. onedl-mmengine
    needs no ``pkg_resources``, but looks for ``mmsegmentation`` where ``onedl-mmsegmentation`` is installed.
    """
    from mmengine.config import config, utils
    from mmengine.hub import hub
    from mmengine.utils import package_utils

    for scope, package in utils.MODULE2PACKAGE.items():
        if not is_installed(package) and is_installed(f'onedl-{package}'):
            utils.MODULE2PACKAGE[scope] = f'onedl-{package}'
    if 'pkg_resources' not in package_utils.get_installed_path.__code__.co_names:
        return
    # Each of these modules has imported the functions by name, so each gets them.
    for module in (importlib.import_module('mmengine.utils'), package_utils, config, hub):
        for function in (is_installed, get_installed_path):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def patch_config_lookup() -> None:
    """Spare the reading of all metafiles of mmseg for every base config (``mmseg::_base_/...``).

    mmengine first looks for a config in the metafiles (0.5 s per config) and takes the path below the package's configs
    only if it is not there. No metafile lists a base config.
    """
    from mmengine.config import config

    find_in_metafiles = config._get_external_cfg_path
    if find_in_metafiles.__name__ == 'find_unless_base':
        return

    def find_unless_base(package_path: str, cfg_file: str) -> str:
        if cfg_file.startswith('_base_/'):
            raise ValueError('no metafile lists a base config')  # mmengine's sign to take the path as it is
        return find_in_metafiles(package_path, cfg_file)

    config._get_external_cfg_path = find_unless_base


def patch_own_configs() -> None:
    """Let configs inherit from those of this package: ``_base_ = 'mmseg_ssl::dueb/dueb_r101_cityscapes_1-8.py'``.

    mmengine knows the packages of OpenMMLab by name, and looks for what it inherits in that package's registries; this
    package registers in mmseg's. It works as soon as ``mmseg_ssl`` is imported, installed or not.
    """
    from mmengine.config import Config, utils

    utils.MODULE2PACKAGE.setdefault('mmseg_ssl', 'mmseg_ssl')  # for get_config and get_model of mmengine.hub
    get_path = Config._get_cfg_path
    if get_path.__name__ == 'own_or_other':
        return

    def own_or_other(cfg_path: str, filename: str) -> Tuple[str, Optional[str]]:
        if not cfg_path.startswith(SCOPE):
            return get_path(cfg_path, filename)
        found = find_config(cfg_path)
        if not found.is_file():
            raise FileNotFoundError(f'_base_ of {filename}: {cfg_path} is not among the configs in {CONFIGS}.')
        return str(found), None

    Config._get_cfg_path = staticmethod(own_or_other)
