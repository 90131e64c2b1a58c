"""The allow-list: names that a checkpoint may use, each with the function that checks arguments and builds a value."""

from collections import Counter, OrderedDict
from functools import lru_cache
from typing import Any, Callable, Dict, Optional

import torch

from .checks import Part, check_key, require, shown
from .numpy_values import build_array, build_dtype, build_scalar
from .torch_values import build_layout, build_parameter, build_size, build_tensor, build_tensor_v3, torch_names


def build_bytes(*args: Any) -> bytes:
    """Build bytes as protocol 2 writes them: empty, or from text in Latin-1."""
    require(not args or (len(args) == 2 and type(args[0]) is str and args[1] in ('latin1', 'latin-1')), 'bytes')
    return args[0].encode('latin1') if args else b''


def build_bytearray(*args: Any) -> bytearray:
    """Build a bytearray; a number as argument is refused, because it would reserve that much memory."""
    return bytearray(args[0] if len(args) == 1 and type(args[0]) is bytes else build_bytes(*args))


def build_mapping(kind: type) -> Callable:
    """Make a builder of an ``OrderedDict`` or ``Counter`` from nothing, pairs or a dict."""

    def build(*args: Any) -> Any:
        require(len(args) <= 1 and all(type(arg) in (list, dict) for arg in args), f'arguments of {kind.__name__}')
        pairs = list(args[0].items() if type(args[0]) is dict else args[0]) if args else []
        for key, _ in pairs:
            check_key(key)
        return kind(dict(pairs))

    return build


def build_set(items: Any) -> set:
    """Build a set of simple values."""
    require(type(items) is list, 'a set is made from a list')
    for item in items:
        check_key(item)
    return set(items)


def _statistics_method(owner: Any, name: Any) -> str:
    """Stand in for ``getattr``, by which plain mmengine checkpoints name ``HistoryBuffer.mean`` and its like.

    The real one would reach any attribute. The name suffices, since the patched ``HistoryBuffer`` ignores the methods.
    """
    wanted = isinstance(owner, Part) and owner.name.endswith('.HistoryBuffer') and isinstance(name, str)
    require(wanted, f'getattr({shown(owner)}, {shown(name)})')
    return name


@lru_cache(maxsize=None)
def allow_list() -> Dict[str, Any]:
    """Map names in pickles to what they build; a pickle with any other name is refused."""
    from mmengine.logging.history_buffer import HistoryBuffer

    found = torch_names()
    calls: Dict[str, Optional[Callable]] = {
        'collections.OrderedDict': build_mapping(OrderedDict),
        'collections.Counter': build_mapping(Counter),
        'builtins.set': build_set,
        'builtins.slice': slice,
        'builtins.complex': complex,
        'builtins.bytes': build_bytes,
        'builtins.bytearray': build_bytearray,
        'builtins.getattr': _statistics_method,
        '_codecs.encode': build_bytes,
        'numpy.dtype': build_dtype,
        'numpy.ndarray': None,
        'torch.Size': build_size,
        'torch.device': torch.device,
        'torch.serialization._get_layout': build_layout,
        'torch._utils._rebuild_tensor': build_tensor,
        'torch._utils._rebuild_tensor_v2': build_tensor,
        'torch._utils._rebuild_tensor_v3': build_tensor_v3,
        'torch._utils._rebuild_parameter': build_parameter,
    }
    for core in ('numpy.core', 'numpy._core'):  # NumPy 1, NumPy 2
        calls.update({f'{core}.multiarray._reconstruct': build_array, f'{core}.multiarray.scalar': build_scalar})
    found.update({name: Part(name, call) for name, call in calls.items()})
    name = 'mmengine.logging.history_buffer.HistoryBuffer'
    found[name] = Part(name, new=HistoryBuffer)  # empty until its state comes
    return found
