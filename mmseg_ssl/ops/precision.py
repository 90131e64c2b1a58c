"""The precision that softmax, entropies and energies need."""

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
