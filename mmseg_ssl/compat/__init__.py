"""Every patch of the host (mmsegmentation, mmengine, mmcv), each with its reason; nothing else patches it.

The patches change the host in memory, never its files. Each may be applied twice, and does nothing on a stack that
does not need it.
"""

import warnings

from ..errors import UnsafeCheckpointError, UnsafeFileError
from ..utils.safe_load import load_weights_only
from ..utils.versions import check_versions
from .damaged_images import patch_damaged_images
from .heads import (
    patch_binary_cross_entropy,
    patch_decode_head_accuracy,
    patch_decode_head_resize,
    patch_dpt_levels,
    patch_point_sample,
)
from .imports import mmcv_ops_stand_in, patch_config_lookup, patch_own_configs, patch_package_lookup
from .inference import patch_inference_weights
from .initial_weights import patch_initial_weights
from .pretrained_weights import patch_pretrained_weights
from .seg_data_list import patch_seg_data_list

__all__ = ['UnsafeCheckpointError', 'UnsafeFileError', 'check_versions', 'load_weights_only', 'patch_host']


def patch_host() -> None:
    """Apply every patch; ``import mmseg_ssl`` calls this before anything of mmseg's models is imported."""
    from .pretty_text import patch_pretty_text
    from .reading import patch_reading  # needs mmengine, which may be missing: check_versions says so first

    # The warning is true wherever there are no compiled operators, and no method here uses this one.
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    patch_package_lookup()
    patch_config_lookup()
    patch_own_configs()
    patch_reading()
    patch_pretty_text()
    with mmcv_ops_stand_in():
        import mmseg.models  # noqa: F401
    # These replace functions of mmseg.models, so they come after its import.
    patch_decode_head_resize()
    patch_decode_head_accuracy()
    patch_binary_cross_entropy()
    patch_dpt_levels()
    patch_point_sample()
    patch_seg_data_list()
    patch_damaged_images()
    patch_inference_weights()
    patch_initial_weights()
    patch_pretrained_weights()
