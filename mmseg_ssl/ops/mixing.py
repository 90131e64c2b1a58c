"""CutMix: boxes of one image pasted into another, on images, maps and targets alike."""

from typing import NamedTuple, Optional, Tuple, TypeVar

import torch
from torch import Tensor

from ..structures import PixelTarget

Mixable = TypeVar('Mixable', Tensor, PixelTarget)

UNIFORMS_PER_BOX = 4


class BoxMix(NamedTuple):
    """One sampled mixing of a batch; call it on everything that belongs to its pixels.

    Attributes:
        mask: ``(B, H, W)`` bool, true where the pixel comes from the partner.
        empty: True if it is known, without a look at the device, that no pixel does: then nothing is copied.

    Example:
        >>> mix = BoxMix(mask)
        >>> images, target = mix(images_a, images_b), mix(target_a, target_b)
    """

    mask: Tensor
    empty: bool = False

    def __call__(self, own: Mixable, partner: Optional[Mixable] = None) -> Mixable:
        """Paste the boxes of the partner into ``own``.

        Args:
            own: ``(B, H, W)``, ``(B, K, H, W)`` or a :class:`PixelTarget`.
            partner: The same kind; if not given, the next image of the batch, so that an image never meets itself in a
                batch of two or more.

        Returns:
            The partner's pixels where :attr:`mask` is true, else ``own``, in its shapes and dtypes.
        """
        if self.empty:
            return own
        if isinstance(own, PixelTarget):
            partners = partner if partner is not None else (None, None)
            return PixelTarget(self(own.label, partners[0]), self(own.weight, partners[1]))
        partner = own.roll(-1, dims=0) if partner is None else partner
        return partner.where(self.mask if own.dim() == 3 else self.mask[:, None], own)

    def halves(self, both: Tensor) -> Tensor:
        """Mix two batches that are one behind the other, e.g. a method's u0 and u1.

        Args:
            both: ``(2 B, ...)``, as in :meth:`__call__`.

        Returns:
            ``(B, ...)``.
        """
        first, second = both.chunk(2)
        return self(first, second)


def box_mask(
    uniforms: Tensor, size: Tuple[int, int], area: Tuple[float, float], aspect: Optional[Tuple[float, float]] = None
) -> Tensor:
    r"""Make masks of random boxes, for the whole batch at once.

    Box ``k`` of ``n`` covers a share :math:`a_k / n` of the image with :math:`a_k \sim U(area)`. Its height is
    :math:`a_k^{u} / \sqrt n` of the image's with :math:`u \sim U(0, 1)`, as in CutMix-Seg (French et al., 2020) and
    CPCL, or, where ``aspect`` is given, :math:`\sqrt{a_k r H W / n}` pixels with :math:`r \sim U(aspect)`, as in
    UniMatch. Boxes lie inside the image; where two overlap, the mask is inverted again.

    Args:
        uniforms: ``(B, 4 n)`` numbers in ``[0, 1)``; nothing else is random.
        size: ``(H, W)``.
        area: Smallest and largest share of the image that all boxes cover together.
        aspect: Smallest and largest height-to-width ratio in pixels.

    Returns:
        ``(B, H, W)`` bool.

    Raises:
        ValueError: If the uniforms are not four per box, or a range is not possible.
    """
    if uniforms.dim() != 2 or uniforms.shape[1] % UNIFORMS_PER_BOX:
        raise ValueError(f'box_mask needs (B, {UNIFORMS_PER_BOX} n) uniforms, got {tuple(uniforms.shape)}.')
    if not 0 < area[0] <= area[1] <= 1:
        raise ValueError(f'area is a range within (0, 1], got {area}.')
    if aspect is not None and not 0 < aspect[0] <= aspect[1]:
        raise ValueError(f'aspect is a range above 0, got {aspect}.')
    height, width = size
    share, shape, top, left = uniforms.unflatten(1, (-1, UNIFORMS_PER_BOX)).unbind(dim=2)  # each (B, n)
    num_boxes = share.shape[1]
    share = area[0] + share * (area[1] - area[0])
    if aspect is None:
        rows = share**shape
        cols = share / rows
        rows, cols = rows / num_boxes**0.5, cols / num_boxes**0.5
    else:
        ratio = aspect[0] + shape * (aspect[1] - aspect[0])
        pixels = share / num_boxes * height * width
        # clipped, and below placed where it fits; UniMatch draws again until it does: a random number of draws
        rows, cols = ((pixels * ratio).sqrt() / height).clamp(max=1), ((pixels / ratio).sqrt() / width).clamp(max=1)
    inside_y = _interval(rows, top, height)
    inside_x = _interval(cols, left, width)
    boxes = inside_y[..., :, None] & inside_x[..., None, :]  # (B, n, H, W)
    # an odd number of boxes: where two overlap the image is its own again, as in CutMix-Seg
    return boxes.sum(dim=1) % 2 == 1


def _interval(share: Tensor, position: Tensor, length: int) -> Tensor:
    """Mark the places (B, n, length) that intervals cover, from their ``share`` and ``position`` (B, n)."""
    extent = (share * length).round()
    start = (position * (length - extent)).round()
    places = torch.arange(length, device=share.device)
    return (places >= start[..., None]) & (places < (start + extent)[..., None])
