"""The one place that mends the host (mmsegmentation, mmengine, mmcv), each mend with its reason.

Every mend may be applied twice, and does nothing on a stack that does not need it.
"""

import importlib
import sys
import warnings
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Dict, Iterator, List

import torch

from .compat_inference import mend_inference_weights
from .errors import UnsafeCheckpointError, UnsafeFileError
from .utils.packages import get_installed_path, is_installed
from .utils.safe_load import load_weights_only
from .utils.versions import check_versions, release

__all__ = ['UnsafeCheckpointError', 'UnsafeFileError', 'check_versions', 'load_weights_only', 'mend_host']


def mend_host() -> None:
    """Apply every mend; ``import mmseg_ssl`` calls it before anything of mmseg's models is imported."""
    from .utils.safe_host import mend_reading  # it needs mmengine, which may be missing: check_versions says so

    # True wherever there are no compiled operators, and no method here wants this one.
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    mend_package_lookup()
    mend_reading()
    with mmcv_ops_stand_in():
        import mmseg.models  # noqa: F401
    mend_decode_head_resize()
    mend_decode_head_accuracy()
    mend_binary_cross_entropy()
    mend_seg_data_list()
    mend_inference_weights()


class _MissingOps(ModuleType):
    """Stands in for ``mmcv.ops``: any public name is a class that cannot be used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(name)

        def refuse(cls: type, *args: Any, **kwargs: Any) -> None:
            raise ImportError(
                f'mmcv.ops.{name} is a compiled operator, and {_ops_error()}. '
                'Install full mmcv (>=2.0.0rc4, <2.2.0) in place of mmcv-lite, or choose a model without it.'
            )

        placeholder = type(name, (), {'__new__': refuse, '__module__': 'mmcv.ops'})
        setattr(self, name, placeholder)
        return placeholder


def _ops_error() -> str:
    """Why the real ``mmcv.ops`` cannot be imported; ``''`` if it can."""
    try:
        importlib.import_module('mmcv.ops')
    except ImportError as error:
        return f'this environment has none ({error})'
    return ''


@contextmanager
def mmcv_ops_stand_in() -> Iterator[None]:
    """Let mmseg 1.2.2 import on mmcv-lite, which has no compiled operators.

    mmseg 1.2.2 imports ``point_sample``, ``sigmoid_focal_loss``, ``CrissCrossAttention`` and ``PSAMask`` at import
    time, for four heads and one loss that few configs use. While it imports, ``mmcv.ops`` is a stand-in; afterwards
    ``import mmcv.ops`` fails as before, so whoever asks whether operators are there still gets the truth.
    onedl-mmsegmentation guards these imports itself and must see the real answer.
    """
    import mmseg

    guarded = release(mmseg.__version__) >= (1, 3)
    if guarded or 'mmseg.models' in sys.modules or not _ops_error():
        yield
        return
    sys.modules['mmcv.ops'] = _MissingOps('mmcv.ops')
    try:
        yield
    finally:
        del sys.modules['mmcv.ops']


def mend_package_lookup() -> None:
    """Let configs inherit from the host's (``mmseg::_base_/...``) without ``pkg_resources``.

    mmengine 0.10.7 looks packages up with ``pkg_resources``, which setuptools dropped in version 82 and which Python
    3.12 environments lack anyway. ``importlib.metadata`` of the standard library knows the same. onedl-mmengine needs
    no ``pkg_resources``, but looks for ``mmsegmentation`` where ``onedl-mmsegmentation`` is installed.
    """
    from mmengine.config import config, utils
    from mmengine.hub import hub
    from mmengine.utils import package_utils

    for scope, package in utils.MODULE2PACKAGE.items():
        if not is_installed(package) and is_installed(f'onedl-{package}'):
            utils.MODULE2PACKAGE[scope] = f'onedl-{package}'
    if 'pkg_resources' not in package_utils.get_installed_path.__code__.co_names:
        return
    for module in (importlib.import_module('mmengine.utils'), package_utils, config, hub):
        for function in (is_installed, get_installed_path):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def mend_seg_data_list() -> None:
    """Let the host's datasets read lists and folders as people have them.

    ``BaseSegDataset`` takes every line of a list as an id, so that a byte order mark, a blank line or a suffix ends in
    a missing file at some step; finds nothing where the suffix is ``.JPG``, and fails with an empty ``concatenate``;
    and reads a folder with a link to itself forty times.
    """
    from mmseg.datasets import BaseSegDataset

    def load_data_list(self: Any) -> List[Dict[str, Any]]:
        """List images and masks: see ``mmseg_ssl.datasets.seg_data_list``."""
        from .datasets.seg_data_list import list_images_and_masks

        return list_images_and_masks(self)

    BaseSegDataset.load_data_list = load_data_list


def mend_decode_head_resize() -> None:
    """Spare the copy of full-size logits in ``BaseDecodeHead.loss_by_feat``.

    A branch hands over logits of the size of the labels, and mmseg interpolates them to the size they have: a copy of
    ``(B, C, H, W)``, the largest tensor of a step, and one more in the backward pass. The values are the same to the
    bit.
    """
    from mmseg.models.decode_heads import decode_head

    resize = decode_head.resize
    if resize.__name__ == 'resize_if_needed':
        return

    def resize_if_needed(input: torch.Tensor, size: Any = None, *args: Any, **kwargs: Any) -> torch.Tensor:
        if size is not None and tuple(input.shape[2:]) == tuple(size):
            return input
        return resize(input, size, *args, **kwargs)

    decode_head.resize = resize_if_needed


def mend_decode_head_accuracy() -> None:
    """Spare the sorting of full-size logits and two host syncs for ``acc_seg``, which is only logged.

    mmseg finds the likeliest class of every pixel by ``topk``, which takes longer on a CPU than the cross entropy and
    its backward pass, and selects valid pixels by a mask, for which it waits for the device. The value is the same but
    for a head with one channel for two classes, of which mmseg logs the share of background.
    """
    from mmseg.models.decode_heads import decode_head

    from .ops import class_logits, likeliest  # needs the host, which compat looks after before anything else

    accuracy = decode_head.accuracy
    if accuracy.__name__ == 'top1_accuracy':
        return

    def top1_accuracy(pred: torch.Tensor, target: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if args or set(kwargs) != {'ignore_index'} or kwargs['ignore_index'] is None or not len(pred):
            return accuracy(pred, target, *args, **kwargs)
        valid = target != kwargs['ignore_index']
        right = (likeliest(class_logits(pred.detach()))[1] == target) & valid
        eps = torch.finfo(torch.float32).eps  # no valid pixel counts as 100 %, as in mmseg
        return ((right.sum() + eps) * 100 / (valid.sum() + eps)).view(1)

    decode_head.accuracy = top1_accuracy


def mend_binary_cross_entropy() -> None:
    """Let a head with one channel meet images without a label, as scribbles and padding bring them.

    mmseg asserts that the largest valid label is at most 1, which fails where there is none.
    """
    from mmseg.models.losses import cross_entropy_loss

    original = cross_entropy_loss.binary_cross_entropy
    if original.__name__ == 'one_channel_cross_entropy':
        return

    def one_channel_cross_entropy(
        pred: torch.Tensor, label: torch.Tensor, *args: Any, ignore_index: int = -100, **kwargs: Any
    ) -> torch.Tensor:
        if pred.dim() == 4 and pred.shape[1] == 1 < pred.shape[2]:
            if (label.where(label != ignore_index, 0) > 1).any():
                raise ValueError(
                    'A head with one channel is taught the classes 0 and 1, got a mask with class '
                    f'{label.where(label != ignore_index, 0).max()}. tools/check_dataset.py finds the file; for more '
                    'classes drop out_channels=1 and use_sigmoid=True.'
                )
            pred = pred.squeeze(1)  # without its channel, mmseg masks pixels and asserts nothing
        return original(pred, label, *args, ignore_index=ignore_index, **kwargs)

    cross_entropy_loss.binary_cross_entropy = one_channel_cross_entropy
