"""Precision that softmax, entropies and energies need, and mixed precision with gradients."""

from contextlib import contextmanager
from functools import wraps
from typing import Any, Callable, Iterator, TypeVar

import torch
from torch import Tensor

Function = TypeVar('Function', bound=Callable[..., Any])


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Widen half precision: its exponentials overflow or lose the small ones.

    Args:
        tensor: Any shape.

    Returns:
        The tensor itself if it is fp32 or fp64, else its fp32 values.
    """
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def without_autocast(function: Function) -> Function:
    """Let a function compute in the precision of its arguments.

    Autocast rounds the operands of every matrix product, ``torch.linalg.vecdot`` among them, to 8 bits (bf16) or ends
    their range at 65504 (fp16), whatever the function was given. Sums over classes and pairs need more.

    Args:
        function: Its first argument is a tensor, which says the device.
    """

    @wraps(function)
    def wrapped(first: Tensor, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast(first.device.type, enabled=False):
            return function(first, *args, **kwargs)

    return wrapped  # type: ignore[return-value]


@contextmanager
def fresh_casts() -> Iterator[None]:
    """Let autocast cast a weight anew for every call in the block.

    Autocast caches the half-precision copy of a weight for the next call. Older torch (2.1 does) also keeps a copy made
    under ``no_grad``, so that a network which makes a target before it is trained silently gets no gradient for any
    convolution. Within one call a weight is cast once anyway.
    """
    before = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(before)
