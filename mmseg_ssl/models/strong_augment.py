"""Strong views, made on the device from the weak crop."""

import logging
import math
from typing import Sequence

import torch
from kornia.color import rgb_to_grayscale
from kornia.enhance import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
)
from kornia.filters import gaussian_blur2d
from mmengine.logging import print_log
from mmseg.registry import MODELS
from torch import Tensor, nn

BLUR_SIGMA = (0.1, 2.0)
"""Range of the Gaussian's standard deviation in pixels."""

BLUR_WINDOW = (9, 9)
"""Size of its window in pixels: two standard deviations on either side, at most."""


@MODELS.register_module()
class StrongAugment(nn.Module):
    """Color jitter, grayscale and blur, in batched calls with parameters per image.

    The defaults are UniMatch's. All randomness comes from the uniforms passed in: a view is a function of the sample's
    seed. Jitter runs in the order brightness, contrast, saturation, hue (torchvision shuffles the order).

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
            if not 0 <= value <= 1:
                raise ValueError(f'StrongAugment: {name} is a probability in [0, 1], got {value}.')
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
        choose_jitter, choose_gray, choose_blur, scale, *jitter = uniforms.unbind(dim=1)
        images = images / 255
        if self.jitter_prob > 0:
            images = _where(choose_jitter < self.jitter_prob, self._jitter(images, jitter), images)
        if self.grayscale_prob > 0 and colored:
            gray = rgb_to_grayscale(images).expand_as(images)
            images = _where(choose_gray < self.grayscale_prob, gray, images)
        if self.blur_prob > 0:
            low, high = BLUR_SIGMA
            sigma = (low + scale * (high - low))[:, None].expand(-1, 2)
            images = _where(choose_blur < self.blur_prob, gaussian_blur2d(images, BLUR_WINDOW, sigma), images)
        return images.clamp(0, 1) * 255

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

    def _jitter(self, images: Tensor, uniforms: Sequence[Tensor]) -> Tensor:
        # from [0, 1) to [-strength, strength)
        signed = [(2 * uniform - 1) * strength for uniform, strength in zip(uniforms, self.strengths)]
        brightness, contrast, saturation, hue = signed
        colored = images.shape[1] == 3
        if self.strengths[0]:
            images = adjust_brightness_accumulative(images, 1 + brightness)
        if self.strengths[1] and colored:
            images = adjust_contrast_with_mean_subtraction(images, 1 + contrast)
        elif self.strengths[1]:
            images = _contrast(images, 1 + contrast)
        if self.strengths[2] and colored:
            images = adjust_saturation_with_gray_subtraction(images, 1 + saturation)
        if self.strengths[3] and colored:
            images = adjust_hue(images, 2 * math.pi * hue)
        return images


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Change the contrast of images of any channels; kornia would take one mean over the whole batch."""
    factor = factor[:, None, None, None]
    return (images * factor + images.mean(dim=(1, 2, 3), keepdim=True) * (1 - factor)).clamp(0, 1)


def _where(chosen: Tensor, then: Tensor, otherwise: Tensor) -> Tensor:
    return then.where(chosen[:, None, None, None], otherwise)
