"""Random numbers per sample, from the seed that it carries."""

from typing import Sequence

import torch
from torch import Tensor

from .random import fold


def sample_uniforms(samples: Sequence, count: int, purpose: int, device: torch.device) -> Tensor:
    """Draw uniform numbers for every sample, as a function of its metainfo ``seed`` only.

    So a view does not depend on the rest of the batch, on the number of processes or on earlier draws.

    Args:
        samples: Data samples with the metainfo ``seed``, as :class:`~mmseg_ssl.datasets.SemiDataset` sets it.
        count: Numbers per sample.
        purpose: Distinguishes several uses of numbers for the same sample.
        device: Device of the result.

    Returns:
        ``(B, count)`` fp32 in ``[0, 1)``.

    Raises:
        KeyError: If a sample has no seed.
    """
    rows = []
    for sample in samples:
        if 'seed' not in sample.metainfo:
            raise KeyError(
                f'The sample {sample.metainfo.get("img_path", "")} carries no "seed". Train on a '
                'SemiDataset with PackSemiInputs, or set the metainfo "seed" yourself.'
            )
        generator = torch.Generator().manual_seed(fold(sample.metainfo['seed'], purpose))
        rows.append(torch.rand(count, generator=generator))
    return torch.stack(rows).to(device, non_blocking=True)
