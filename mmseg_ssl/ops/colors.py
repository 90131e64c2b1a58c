"""Changes of colors and a Gaussian blur, with numbers per image; on a CPU strip by strip, as its caches hold them."""

from typing import Callable, List

import torch
import torch.nn.functional as F
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

STRIP_PIXELS = 2**14
"""Pixels of a strip: its maps, of 64 KiB each, stay in the second cache of a CPU."""


def three_channels(images: Tensor) -> Tensor:
    """Return images as colors ``(B, 3, H, W)``: gray of one channel, the first three of four."""
    return images[:, :3].expand(-1, 3, -1, -1)


def luminance(images: Tensor) -> Tensor:
    """Return the luminance of RGB images: ``(B, 3, H, W)`` to ``(B, 1, H, W)``."""
    red, green, blue = images.split(1, dim=1)
    return torch.add(red * LUMINANCE[0], green, alpha=LUMINANCE[1]).add_(blue, alpha=LUMINANCE[2])


def blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    r"""Move images away from others, as contrast and saturation do: :math:`f x + (1 - f) y` within [0, 1].

    Args:
        images: ``(B, C, H, W)`` in [0, 1].
        other: What 0 gives, of a shape that broadcasts: the mean color for contrast, the luminance for saturation.
        factor: ``(B, 1, 1, 1)``; 1 changes nothing.

    Returns:
        ``(B, C, H, W)`` in [0, 1].
    """
    return (images * factor).add_(other * (1 - factor)).clamp_(0, 1)


def shift_hue(images: Tensor, shift: Tensor) -> Tensor:
    r"""Turn the hue and keep the value and the saturation of HSV.

    With the hue :math:`h \in [0, 6)` in sectors, a channel is the least plus the chroma times :math:`|h - 3| - 1`
    (red), :math:`2 - |h - 2|` (green) or :math:`2 - |h - 4|` (blue), each clamped to [0, 1].

    Args:
        images: ``(B, 3, H, W)`` RGB.
        shift: ``(B, 1, 1, 1)``, share of the color circle.

    Returns:
        ``(B, 3, H, W)`` RGB.
    """
    red, green, blue = images.split(1, dim=1)
    low = torch.minimum(torch.minimum(red, green), blue)
    high = torch.maximum(torch.maximum(red, green), blue)
    chroma = high - low
    greenish, bluish = (blue - red).add_(chroma, alpha=2), (red - green).add_(chroma, alpha=4)
    hue = torch.where(red == high, green - blue, torch.where(green == high, greenish, bluish))
    hue.div_(chroma.clamp(min=torch.finfo(hue.dtype).tiny)).add_(6 * shift)  # without chroma any hue will do
    hue.sub_((hue / 6).floor_().mul_(6))
    parts = (hue - 3).abs_().sub_(1), (hue - 2).abs_().neg_().add_(2), (hue - 4).abs_().neg_().add_(2)
    return torch.cat([part.clamp_(0, 1).mul_(chroma).add_(low) for part in parts], dim=1)


def blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    r"""Blur by a Gaussian, first down and then across; borders are mirrored.

    Args:
        images: ``(B, C, H, W)``.
        sigma: ``(B, 1, 1, 1)``, standard deviation in pixels.
        radius: Pixels on either side that count; less than ``H`` and ``W``.

    Returns:
        ``(B, C, H, W)``.
    """
    weights = [torch.exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    weights = [weight / total for weight in weights]
    padded = F.pad(images, [radius] * 4, mode='reflect')
    result, height = torch.empty_like(images), images.shape[2]
    rows = strip_rows(images)
    for top in range(0, height, rows):
        strip = padded[:, :, top : top + rows + 2 * radius]
        result[:, :, top : top + rows] = _convolve(_convolve(strip, weights, dim=2), weights, dim=3)
    return result


def _convolve(images: Tensor, weights: List[Tensor], dim: int) -> Tensor:
    """Convolve one dimension with a symmetric window, given from its middle; the border is cut off."""
    radius = len(weights) - 1
    size = images.shape[dim] - 2 * radius
    result = images.narrow(dim, radius, size) * weights[0]
    for step in range(1, radius + 1):
        pair = images.narrow(dim, radius - step, size) + images.narrow(dim, radius + step, size)
        result.add_(pair.mul_(weights[step]))
    return result


def strip_rows(images: Tensor) -> int:
    """Return the rows that are computed at a time: all of them on a device, a few that fit the caches on a CPU."""
    height, width = images.shape[2:]
    return max(1, STRIP_PIXELS // (width * len(images))) if images.device.type == 'cpu' else height


def change_in_strips(images: Tensor, change: Callable[[Tensor], Tensor]) -> None:
    """Change images in place by a function of single pixels.

    Args:
        images: ``(B, C, H, W)``.
        change: Of ``(B, C, h, W)``.
    """
    for strip in images.split(strip_rows(images), dim=2):
        strip.copy_(change(strip))
