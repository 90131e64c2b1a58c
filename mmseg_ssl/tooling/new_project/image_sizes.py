"""Chooses the sizes of images and crops."""

import math
from typing import Any, NamedTuple, Tuple

import numpy as np

from .machine import Machine
from .sides import Sides

TINY = 128
"""Longest side up to which images are too small for a network that shrinks them 16-fold."""
CPU_PIXELS, GPU_PIXELS = 240 * 180, 1024 * 768
"""Pixels of an image to which larger ones are shrunk."""


class Choice(NamedTuple):
    """What was chosen, and why."""

    value: Any
    why: str


def median_size(sides: Sides) -> Tuple[int, int]:
    """Return the medians of the longer and of the shorter side of the images with masks."""
    sizes = [sorted(photo.size, reverse=True) for photo in [*sides.labeled, *sides.val] if photo.size]
    long, short = np.median(np.array(sizes), axis=0)
    return int(long), int(short)


def sizes_of(sides: Sides, network: str, machine: Machine) -> Tuple[Choice, Choice]:
    """Choose the size of images and crops by their median size and the accelerator."""
    long, short = median_size(sides)
    room = GPU_PIXELS if machine.gpu else CPU_PIXELS
    factor = min(1.0, math.sqrt(room / (long * short)))
    scale = (max(1, round(long * factor)), max(1, round(short * factor)))
    step = 14 if 'dinov2' in network else 8 if 'unet' in network else 16
    most = 518 if 'dinov2' in network else 512
    side = max(step, min(most, scale[1]) // step * step)
    wide = max(step, min(most, scale[0], 2 * side) // step * step) if scale[0] > 2.5 * scale[1] else side
    why = f'median image {long}x{short}' + ('' if factor == 1 else f', {room:,} pixels are what a step can pay for')
    chosen = f'the largest multiple of {step} up to {most} in the shorter side'
    return Choice(scale, why), Choice((side, wide), chosen)
