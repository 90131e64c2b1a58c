"""CutMix as a configurable part of a method."""

from typing import List, Optional, Tuple

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ..ops.mixing import UNIFORMS_PER_BOX, BoxMix, box_mask
from ..utils import sample_uniforms

MIX_BOXES = 101
"""Key of the random numbers that place the boxes; mixing number k uses ``MIX_BOXES + k``."""

UNIMATCH_BOX = dict(num_boxes=1, area=(0.02, 0.4), aspect=(0.3, 1 / 0.3), prob=0.5)
"""UniMatch's options of :class:`CutMix`: half of the images get one box of 2 to 40 % of their area."""


@MODELS.register_module()
class CutMix(nn.Module):
    """Samples a :class:`~mmseg_ssl.ops.BoxMix` per step; every image has boxes of its own.

    The defaults are those of CPS and CPCL: three boxes that cover 25 to 50 % of the image together.

    Args:
        num_boxes: Boxes per image; overlapping ones cancel each other.
        area: Share of the image that the boxes cover together, smallest and largest.
        aspect: Range of the height-to-width ratio; if not given, the shape is drawn as in CutMix-Seg.
        prob: Share of images that are mixed at all.

    Raises:
        ValueError: If an option is not possible.
    """

    def __init__(
        self,
        num_boxes: int = 3,
        area: Tuple[float, float] = (0.25, 0.5),
        aspect: Optional[Tuple[float, float]] = None,
        prob: float = 1.0,
    ) -> None:
        super().__init__()
        if num_boxes < 1 or not 0 <= prob <= 1:
            raise ValueError(f'CutMix needs num_boxes >= 1 and prob in [0, 1], got {num_boxes} and {prob}.')
        # a wrong range fails now, not in the first step
        box_mask(torch.zeros(1, UNIFORMS_PER_BOX), (1, 1), area, aspect)
        self.num_boxes, self.area, self.aspect, self.prob = num_boxes, area, aspect, prob

    @torch.no_grad()
    def sample(self, samples: List[SegDataSample], images: Tensor, number: int = 0) -> BoxMix:
        """Draw the boxes of a batch from the seeds of its samples.

        Args:
            samples: Samples of the images that are pasted into.
            images: ``(B, 3, H, W)``.
            number: Distinguishes several mixings of the same samples, e.g. of two strong views.

        Returns:
            The mixing; the same for the same samples and number.
        """
        count = 1 + UNIFORMS_PER_BOX * self.num_boxes
        uniforms = sample_uniforms(samples, count, MIX_BOXES + number, images.device)
        height, width = images.shape[2:]
        mask = box_mask(uniforms[:, 1:], (height, width), self.area, self.aspect)
        # the first number decides whether an image is mixed at all, so prob moves no box
        return BoxMix(mask & (uniforms[:, :1, None] < self.prob), empty=self.prob == 0)
