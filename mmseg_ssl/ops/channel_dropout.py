"""Channel dropout of an encoder's levels, for a part of the batch (UniMatch V1 and V2)."""

from typing import Any, Dict, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_flatten

from ..structures import map_tensors

CHANNELS = {2: 1, 3: 2, 4: 1}
"""Which dimension of a feature holds its channels, by the number of dimensions: ``(B, D)``, ``(B, L, D)``, ``(B, D, h,
w)``."""


def drop_channels(feats: Sequence[Any], last: int, prob: float = 0.5) -> Tuple[Any, ...]:
    """Drop whole channels of the last images of a batch, per level; the others grow by ``1 / (1 - p)``.

    The parts of a level, e.g. a ViT's map and class token, lose the same channels. Uses torch's global generator.

    Args:
        feats: Levels ``(B, D_l, h_l, w_l)``, or nests of these with tokens ``(B, D_l)`` or ``(B, L, D_l)``.
        last: How many images at the end of the batch are perturbed.
        prob: Share of channels that are dropped, in ``[0, 1]``.

    Returns:
        Levels of the same shapes; the other images' values are the same.

    Raises:
        ValueError: If the batch has fewer images.
    """
    _require_images(feats, last)
    return tuple(_drop_in_level(level, last, prob) for level in feats) if last else tuple(feats)


def _drop_in_level(level: Any, last: int, prob: float) -> Any:
    factors: Dict[int, Tensor] = {}

    def drop(part: Tensor) -> Tensor:
        width = part.shape[CHANNELS[part.dim()]]
        if width not in factors:
            factors[width] = F.dropout2d(part.new_ones(last, width, 1, 1), prob)[..., 0, 0]
        return torch.cat([part[:-last], part[-last:] * _along_channels(factors[width], part)])

    return map_tensors(drop, level)


def drop_complementary_channels(feats: Sequence[Any], pairs: int, keep: float = 0.5) -> Tuple[Any, ...]:
    r"""Give the two views of an image complementary channels (UniMatch V2, Yang et al. 2024).

    With :math:`m \in \{0, 1\}^D`, each channel 1 with probability one half, the first view's features become
    :math:`2 m \odot z` and the second's :math:`2 (1 - m) \odot z`. Levels of equal width share :math:`m`. A share of
    the images, drawn anew each time, keeps all of its channels. Uses torch's global generator.

    Args:
        feats: Levels as for :func:`drop_channels`; the last ``2 pairs`` images of the batch are the first views of all
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
    parts = tree_flatten(feats)[0]
    device = parts[0].device
    # a permutation, not a coin per image: exactly this share stays whole, as in the public code
    whole = torch.randperm(pairs, device=device) < int(pairs * keep)
    factors: Dict[int, Tensor] = {}
    for width in {part.shape[CHANNELS[part.dim()]]: None for part in parts}:  # a dict keeps the order of the draws
        mask = torch.randint(0, 2, (pairs, width), device=device)
        both = torch.cat([mask, 1 - mask]) * 2
        both = both.where(~whole.repeat(2)[:, None], 1)
        factors[width] = torch.cat([both.new_ones(len(parts[0]) - 2 * pairs, width), both])

    def scale(part: Tensor) -> Tensor:
        return part * _along_channels(factors[part.shape[CHANNELS[part.dim()]]], part).to(part.dtype)

    return tuple(map_tensors(scale, level) for level in feats)


def _along_channels(factors: Tensor, part: Tensor) -> Tensor:
    """Give factors (B, D) the dimensions of a feature."""
    shape = [1] * part.dim()
    shape[0], shape[CHANNELS[part.dim()]] = factors.shape
    return factors.view(shape)


def _require_images(feats: Sequence[Any], count: int) -> None:
    for part in tree_flatten(feats)[0]:
        if not isinstance(part, Tensor) or part.dim() not in CHANNELS or len(part) < count:
            got = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise ValueError(
                f'Channel dropout of {count} images needs levels (B, D, h, w), or tokens (B, D) or (B, L, D) beside '
                f'them, with B >= {count}; got {got}. Let the backbone return those, or take a method without '
                'channel dropout.'
            )
