"""Semi-supervised semantic segmentation for mmsegmentation 1.x; importing it registers everything.

The patches of the host come first: without them mmseg 1.2.2 does not import on mmcv-lite.
"""

from . import compat

compat.check_versions()
compat.patch_host()

from . import apis, datasets, engine, evaluation, models  # noqa: E402
from .apis import load  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'apis', 'compat', 'datasets', 'engine', 'evaluation', 'load', 'models']
