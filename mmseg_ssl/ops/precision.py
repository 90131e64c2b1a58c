"""Precision that softmax, entropies and energies need, and mixed precision with gradients."""

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import Tensor


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Widen half precision: its exponentials overflow or lose the small ones.

    Args:
        tensor: Any shape.

    Returns:
        The tensor itself if it is fp32 or fp64, else its fp32 values.
    """
    return tensor if tensor.dtype == torch.float64 else tensor.float()


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
