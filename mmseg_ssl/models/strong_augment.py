"""Strong views, made on the device from the weak crop."""

import logging
from typing import Callable

import torch
from mmengine.logging import print_log
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops.colors import blend, blur, change_in_strips, luminance, shift_hue
from ..utils.choices import probability

BLUR_SIGMA = (0.1, 2.0)
"""Range of the Gaussian's standard deviation in pixels."""

BLUR_RADIUS = 4
"""Pixels of its window on either side: at least two standard deviations."""


@MODELS.register_module()
class StrongAugment(nn.Module):
    """Color jitter, grayscale and blur, with parameters per image.

    The defaults are UniMatch's. All randomness comes from the uniforms passed in: a view is a function of the sample's
    seed. Jitter runs in the order brightness, contrast, saturation, hue (torchvision shuffles the order). The mean that
    contrast moves colors away from counts black padding, as in UniMatch, which pads crops before it jitters them. A CPU
    makes each change where it was drawn; a device makes it in one call of all images and selects, so that it never
    waits.

    Images without three channels skip saturation, hue and grayscale, which the log says once.

    Args:
        brightness: Largest relative change ``b``; the factor is uniform in ``[1 - b, 1 + b]``. 0 switches it off.
        contrast: The same for contrast.
        saturation: The same for saturation.
        hue: Largest shift as a share of the color circle, in ``[0, 0.5]``.
        jitter_prob: Share of images whose colors are jittered.
        grayscale_prob: Share of images that lose their color.
        blur_prob: Share of images that are blurred, with a standard deviation of 0.1 to 2 pixels.

    Raises:
        ValueError: If a probability or range is not possible.
    """

    num_uniforms = 8
    """Number of uniforms per sample."""
    _told = False

    def __init__(
        self,
        brightness: float = 0.5,
        contrast: float = 0.5,
        saturation: float = 0.5,
        hue: float = 0.25,
        jitter_prob: float = 0.8,
        grayscale_prob: float = 0.2,
        blur_prob: float = 0.5,
    ) -> None:
        super().__init__()
        for name, value in dict(jitter_prob=jitter_prob, grayscale_prob=grayscale_prob, blur_prob=blur_prob).items():
            probability(**{name: value})
        if (
            not 0 <= hue <= 0.5
            or min(brightness, contrast, saturation) < 0
            or max(brightness, contrast, saturation) > 1
        ):
            raise ValueError(
                'StrongAugment: brightness, contrast and saturation lie in [0, 1], hue in [0, 0.5], got '
                f'{(brightness, contrast, saturation, hue)}.'
            )
        self.strengths = (brightness, contrast, saturation, hue)
        self.jitter_prob, self.grayscale_prob, self.blur_prob = jitter_prob, grayscale_prob, blur_prob

    @property
    def changes(self) -> bool:
        """Return whether any image is changed at all."""
        jitter = self.jitter_prob > 0 and any(self.strengths)
        return bool(jitter or self.grayscale_prob > 0 or self.blur_prob > 0)

    @torch.no_grad()
    def forward(self, images: Tensor, uniforms: Tensor) -> Tensor:
        """Augment a batch.

        Args:
            images: ``(B, 3, H, W)`` RGB in 0..255, or with another number of channels.
            uniforms: ``(B, 8)`` in ``[0, 1)``, on the device of the images.

        Returns:
            The same in 0..255.
        """
        colored = self._colored(images)
        # the order is part of the seed's meaning: another one would give other views
        choose_jitter, choose_gray, choose_blur = uniforms[:, :3].unbind(dim=1)
        images = images / 255
        if self.jitter_prob > 0:
            images = _apply(self._jitter, choose_jitter < self.jitter_prob, images, uniforms[:, 4:])
        if self.grayscale_prob > 0 and colored:
            images = _apply(_gray, choose_gray < self.grayscale_prob, images, uniforms)
        if self.blur_prob > 0:
            images = _apply(_blur, choose_blur < self.blur_prob, images, uniforms[:, 3:4])
        return images.clamp_(0, 1).mul_(255)

    def _colored(self, images: Tensor) -> bool:
        """Return whether steps that need RGB are possible; warn, once, if they are not but were asked for."""
        asked = self.grayscale_prob > 0 or (self.jitter_prob > 0 and any(self.strengths[2:]))
        if images.shape[1] != 3 and asked and not StrongAugment._told:
            StrongAugment._told = True  # one line, of however many strong views
            print_log(
                f'StrongAugment: images have {images.shape[1]} channel(s), so saturation, hue and grayscale are left '
                'out, which need RGB; brightness, contrast and blur stay.',
                'current',
                logging.WARNING,
            )
        return images.shape[1] == 3

    def _jitter(self, images: Tensor, uniforms: Tensor) -> Tensor:
        """Change the colors of images in place, all in one pass but for the mean that the contrast needs."""
        # from [0, 1) to [-strength, strength)
        drawn = (2 * uniforms - 1)[..., None, None, None].unbind(dim=1)
        brightness, contrast, saturation, hue = (one * strength for one, strength in zip(drawn, self.strengths))
        colored = images.shape[1] == 3
        mean = torch.zeros_like(hue)
        if self.strengths[0]:
            change_in_strips(images, lambda strip: (strip * (1 + brightness)).clamp_(0, 1))
        if self.strengths[1]:
            channels = images.mean(dim=(2, 3), keepdim=True)
            mean = luminance(channels) if colored else channels.mean(dim=1, keepdim=True)

        def recolor(strip: Tensor) -> Tensor:
            if self.strengths[1]:
                strip = blend(strip, mean, 1 + contrast)
            if self.strengths[2] and colored:
                strip = blend(strip, luminance(strip), 1 + saturation)
            return shift_hue(strip, hue) if self.strengths[3] and colored else strip

        change_in_strips(images, recolor)
        return images


def _gray(images: Tensor, _: Tensor) -> Tensor:
    return luminance(images).expand_as(images)


def _blur(images: Tensor, uniforms: Tensor) -> Tensor:
    low, high = BLUR_SIGMA
    return blur(images, (low + uniforms * (high - low))[:, :, None, None], BLUR_RADIUS)


def _apply(change: Callable[[Tensor, Tensor], Tensor], chosen: Tensor, images: Tensor, uniforms: Tensor) -> Tensor:
    apply = change_chosen if images.device.type == 'cpu' else change_all
    return apply(change, chosen, images, uniforms)


def change_chosen(change: Callable, chosen: Tensor, images: Tensor, uniforms: Tensor) -> Tensor:
    """Change the chosen images in place, one by one, and compute no other."""
    for one, drawn, wanted in zip(images.split(1), uniforms.split(1), chosen.tolist()):
        if wanted:
            one.copy_(change(one, drawn))
    return images


def change_all(change: Callable, chosen: Tensor, images: Tensor, uniforms: Tensor) -> Tensor:
    """Change all images and take the chosen ones: the host need not know which."""
    return change(images.clone(), uniforms).where(chosen[:, None, None, None], images)
