"""Builds torch's tensors, sizes and layouts from a pickle."""

import math
from typing import Any, Dict

import torch
from torch.storage import TypedStorage

from .checks import StorageKind, are_sizes, require, shown

_FEW = 2**24  # elements that a tensor may have although its storage has fewer (it was expanded when saved)


def build_tensor_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> torch.Tensor:
    """Build a tensor that lies within its storage."""
    require(isinstance(storage, TypedStorage) and isinstance(dtype, torch.dtype), 'a tensor needs a storage and a type')
    require(type(requires_grad) is bool and not hooks and not metadata, 'a tensor with hooks or other extras')
    valid = are_sizes(size) and are_sizes(stride) and len(size) == len(stride) and type(offset) is int and offset >= 0
    require(valid, f'a tensor of size {shown(size)}, stride {shown(stride)}, offset {shown(offset)}')
    held = storage._untyped_storage.nbytes() // torch.empty((), dtype=dtype).element_size()
    reach = offset + (1 + sum((n - 1) * step for n, step in zip(size, stride)) if 0 not in size else 0)
    require(reach <= held, f'a tensor reaches to element {reach} of a storage that has {held}')
    require(math.prod(size) <= max(held, _FEW), f'a tensor of size {shown(size)} from a storage of {held}')
    tensor = torch.empty(0, dtype=dtype, device=storage._untyped_storage.device)
    tensor.set_(storage._untyped_storage, offset, size, stride)
    return tensor.requires_grad_(requires_grad)


def build_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any = False, hooks: Any = None, *rest: Any
) -> torch.Tensor:
    """Build a tensor with the type of its storage."""
    return build_tensor_v3(storage, offset, size, stride, grad, hooks, getattr(storage, 'dtype', None), *rest)


def build_parameter(data: Any, requires_grad: Any, hooks: Any) -> torch.nn.Parameter:
    """Build a parameter from a tensor."""
    plain = type(data) is torch.Tensor and type(requires_grad) is bool and not hooks
    require(plain, 'a parameter needs a tensor and no hooks')
    return torch.nn.Parameter(data, requires_grad)


def build_size(values: Any) -> torch.Size:
    """Build a ``torch.Size``."""
    require(are_sizes(tuple(values)), f'a size of {shown(values)}')
    return torch.Size(values)


def build_layout(name: Any) -> torch.layout:
    """Build a memory layout; only the dense one is allowed."""
    require(name == 'torch.strided', f'the layout {shown(name)}')
    return torch.strided


def torch_names() -> Dict[str, Any]:
    """Map names in pickles to kinds of storages and types of numbers."""
    storages = dict(Float='float32', Double='float64', Half='float16', BFloat16='bfloat16', Bool='bool')
    storages.update(Byte='uint8', Char='int8', Short='int16', Int='int32', Long='int64')
    storages.update(ComplexFloat='complex64', ComplexDouble='complex128')
    found: Dict[str, Any] = {f'torch.{key}Storage': StorageKind(getattr(torch, kind)) for key, kind in storages.items()}
    found.update({name.replace('torch.', 'torch.cuda.'): kind for name, kind in found.items()})
    found['torch.storage.UntypedStorage'] = StorageKind(torch.uint8)
    found.update({str(kind): kind for kind in vars(torch).values() if isinstance(kind, torch.dtype)})
    return found
