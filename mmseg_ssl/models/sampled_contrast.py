"""Contrast of a batch by a sample of its pixels (ELN, Kwon & Kwak, CVPR 2022, eq. 10)."""

from typing import Iterator, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_world_size
from torch import Tensor, nn

from ..ops import sample_per_class, sample_windows
from ..structures import IGNORE_INDEX, PixelTarget
from ..utils.choices import one_of
from .losses import pixel_contrast
from .losses.pixel_contrast import POSITIVES

ANCHORS = ('student', 'teacher')
WINDOW = 32

Labeled = Tuple[Tensor, Tensor]
"""A map ``(B, D, h, w)`` and the labels ``(B, h, w)`` of its pixels."""

Drawn = Tuple[Tensor, Tensor]
"""Pixels ``(n, D)`` and their labels ``(n,)``."""


class SampledContrast(nn.Module):
    r"""Eq. 10 between the projections of a student and of a teacher, without the matrix of all their pixels.

    Anchors are drawn from the images of a process, keys from those of all processes: at most ``samples_per_class`` per
    class, on any number of processes. Memory is linear in the classes of a batch, time in their square. On an
    accelerator both are as if all ``C`` classes were there, since to count them would wait for the device.

    Its size depends on its form. Over :math:`n` pixels of :math:`C` equal classes that a network does not tell apart,
    ``'mean'`` is :math:`\ln(1 + n (C - 1) / C)`, ``'sum'`` :math:`n / C` times as much, and the public code's
    ``'log_sum'`` is :math:`\ln(C) C / n`: 8.5 and 2186 for 256 pixels of each of 21 classes, 0.010 for its windows of
    6144 pixels. At the same weight, the default is some hundred times the public code's loss.

    Args:
        num_classes: ``C``.
        samples_per_class: Largest number of anchors, and of keys, per class; all pixels if it is large enough.
        temperature: :math:`\tau` of eq. 10.
        positives: ``'mean'``, ``'sum'`` or ``'log_sum'`` over the positives, see :func:`pixel_contrast`.
        anchors: Network whose pixels are the anchors, ``'student'`` or ``'teacher'``; the other network's are the keys.
            Keys of the student need a gradient, so they serve the anchors of their own process alone.
        windows: If above 0, the mean over this many random windows of 32x32 pixels, the same for every image, replaces
            pixels drawn by class; ``(1024 B)^2`` pairs each.

    Raises:
        ValueError: If ``anchors`` or the numbers are not possible.
    """

    def __init__(
        self,
        num_classes: int,
        samples_per_class: int = 256,
        temperature: float = 0.5,
        positives: str = 'mean',
        anchors: str = 'student',
        windows: int = 0,
    ) -> None:
        super().__init__()
        if samples_per_class < 1 or windows < 0 or not temperature > 0:
            raise ValueError(
                'SampledContrast needs samples_per_class >= 1, windows >= 0 and temperature > 0, got '
                f'{samples_per_class}, {windows} and {temperature}.'
            )
        self.num_classes, self.samples_per_class, self.windows = num_classes, samples_per_class, windows
        self.temperature = temperature
        self.positives, self.anchors = one_of(POSITIVES, positives=positives), one_of(ANCHORS, anchors=anchors)

    def forward(
        self, student: Tensor, teacher: Tensor, labels: Tensor, teacher_labels: Optional[Tensor] = None
    ) -> Tensor:
        """Contrast two maps.

        Args:
            student: ``(B, D, h, w)``, with a gradient.
            teacher: ``(B, D, h, w)``, without.
            labels: ``(B, h, w)`` int64, the pseudo labels of both; 255 is neither anchor nor key.
            teacher_labels: Those of the teacher's map, where the student saw mixed images and the teacher did not.

        Returns:
            A scalar, 0 with a zero gradient where nothing is taught.
        """
        maps = (student, labels), (teacher, labels if teacher_labels is None else teacher_labels)
        pairs = self._windows(*maps) if self.windows else self._classes(*maps)
        terms = []
        for (own, own_labels), (other, other_labels) in pairs:
            if self.anchors == 'teacher':
                own, own_labels, other, other_labels = other, other_labels, own, own_labels
            terms.append(pixel_contrast(own, other, own_labels, other_labels, self.temperature, self.positives))
        return torch.stack(terms).mean()

    def _classes(self, student: Labeled, teacher: Labeled) -> Iterator[Tuple[Drawn, Drawn]]:
        """Draw up to ``samples_per_class`` pixels of every class."""
        gathered = self.anchors == 'student'
        # every process gives its share of the keys, so the matrix does not grow with their number
        share = -(-self.samples_per_class // get_world_size()) if gathered else self.samples_per_class
        own, other = (
            _drawn_at(pixels, labels.flatten(), sample_per_class(labels.flatten(), count, self.num_classes))
            for (pixels, labels), count in ((student, self.samples_per_class), (teacher, share))
        )
        if gathered:
            other = torch.cat(all_gather(other[0].contiguous())), torch.cat(all_gather(other[1]))
        yield _filled(own), _filled(other)

    def _windows(self, student: Labeled, teacher: Labeled) -> Iterator[Tuple[Drawn, Drawn]]:
        """Take all pixels of a window of every image."""
        labels = student[1]
        count, (height, width) = len(labels), labels.shape[1:]
        first = torch.arange(count, device=labels.device)[:, None] * height * width
        for window in sample_windows(height, width, WINDOW, self.windows, labels.device):
            index = (first + window).flatten()
            own, other = (_drawn_at(pixels, labels.flatten(), index) for pixels, labels in (student, teacher))
            yield own, other


def kept_classes(target: PixelTarget, size: Sequence[int]) -> Tensor:
    """Return classes ``(B, h, w)`` at the stride of the decode head, 255 where a pixel was rejected."""
    kept = target.label.where(target.weight > 0, IGNORE_INDEX)
    return F.interpolate(kept[:, None].float(), size=tuple(size), mode='nearest-exact')[:, 0].long()


def _drawn_at(embedding: Tensor, labels: Tensor, index: Tensor) -> Drawn:
    """Return the pixels of a map at some places, and their labels: 255 where a place is empty (-1)."""
    area = embedding.shape[2] * embedding.shape[3]
    place = index.clamp(min=0)
    # not from (B h w, D), which would copy the whole map
    pixels = embedding.flatten(2)[place.div(area, rounding_mode='floor'), :, place % area]
    return pixels, labels[place].where(index >= 0, IGNORE_INDEX)


def _filled(drawn: Drawn) -> Drawn:
    """Leave out empty places, unless to count them would wait for the device."""
    pixels, labels = drawn
    if labels.device.type != 'cpu':
        return drawn
    filled = labels != IGNORE_INDEX
    return pixels[filled], labels[filled]
