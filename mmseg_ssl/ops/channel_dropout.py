"""Channel dropout of an encoder's levels, for a part of the batch (UniMatch V1 and V2)."""

from typing import Dict, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


def drop_channels(feats: Sequence[Tensor], last: int, prob: float = 0.5) -> Tuple[Tensor, ...]:
    """Drop whole channels of the last images of a batch, per level; the others grow by ``1 / (1 - p)``.

    Uses torch's global generator.

    Args:
        feats: Levels ``(B, D_l, h_l, w_l)``.
        last: How many images at the end of the batch are perturbed.
        prob: Share of channels that are dropped, in ``[0, 1]``.

    Returns:
        Levels of the same shapes; the other images' values are the same.

    Raises:
        ValueError: If the batch has fewer images.
    """
    _require_images(feats, last)
    return tuple(torch.cat([level[:-last], F.dropout2d(level[-last:], prob)]) if last else level for level in feats)


def drop_complementary_channels(feats: Sequence[Tensor], pairs: int, keep: float = 0.5) -> Tuple[Tensor, ...]:
    r"""Give the two views of an image complementary channels (UniMatch V2, Yang et al. 2024).

    With :math:`m \in \{0, 1\}^D`, each channel 1 with probability one half, the first view's features become
    :math:`2 m \odot z` and the second's :math:`2 (1 - m) \odot z`. Levels of equal width share :math:`m`. A share of
    the images, drawn anew each time, keeps all of its channels. Uses torch's global generator.

    Args:
        feats: Levels ``(B, D_l, h_l, w_l)``; the last ``2 pairs`` images of the batch are the first views of all
            images, then the second views.
        pairs: Number of images with two views.
        keep: Share of them that is left alone, in ``[0, 1]``; rounded down.

    Returns:
        Levels of the same shapes; the other images' values are the same.

    Raises:
        ValueError: If the batch has fewer images, or the share is not possible.
    """
    _require_images(feats, 2 * pairs)
    if not 0 <= keep <= 1:
        raise ValueError(f'drop_complementary_channels: keep is a share in [0, 1], got {keep}.')
    device = feats[0].device
    # a permutation, not a coin per image: exactly this share stays whole, as in the public code
    whole = torch.randperm(pairs, device=device) < int(pairs * keep)
    factors: Dict[int, Tensor] = {}
    for width in {level.shape[1]: None for level in feats}:  # a dict keeps their order, and so that of the draws
        mask = torch.randint(0, 2, (pairs, width), device=device)
        both = torch.cat([mask, 1 - mask]) * 2
        both = both.where(~whole.repeat(2)[:, None], 1)
        ones = both.new_ones(len(feats[0]) - 2 * pairs, width)
        factors[width] = torch.cat([ones, both])[..., None, None]
    return tuple(level * factors[level.shape[1]].to(level.dtype) for level in feats)


def _require_images(feats: Sequence[Tensor], count: int) -> None:
    for level in feats:
        if not isinstance(level, Tensor) or level.dim() != 4 or len(level) < count:
            got = tuple(level.shape) if isinstance(level, Tensor) else type(level).__name__
            raise ValueError(
                f'Channel dropout of {count} images needs levels (B, D, h, w) with B >= {count}, got {got}. '
                'Let the backbone return maps alone, without class tokens.'
            )
