"""Class prototypes that follow the teacher, and the contrast of the student's pixels with them."""

from typing import Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import chosen_per_class, masked_mean
from ..ops.precision import without_autocast
from ..structures import IGNORE_INDEX, PixelTarget
from ..utils.choices import share_of_new
from .losses import prototype_contrast, prototype_repulsion

REPULSION_MARGIN = 0.2
"""Cosine between a class and the prototype of another one that costs nothing."""


@MODELS.register_module()
class PrototypeContrast(nn.Module):
    r"""Keeps one running prototype per class, over all processes, and draws pixels to their own, away from the others.

    .. math:: \mu_c \leftarrow \mathrm{normalize}\big((1 - m)\, \mu_c + m\, \bar e^T_c\big), \qquad
              L = \frac{1}{|A|} \sum_{i \in A} r_i\, \ell_i

    with :math:`\bar e^T_c` the weighted mean of the teacher's normalized embeddings of class :math:`c`,
    :math:`\ell_i` of :func:`prototype_contrast` and anchors :math:`A`, a bounded number of pixels per class, so
    that the frequent classes do not drown the rest. A class takes part from its first pixel on. For any method with
    embeddings::

        self.contrast = MODELS.build(dict(type='PrototypeContrast', num_classes=21, channels=128))
        ...
        self.contrast.update(teacher.side['projection'], target)
        losses['loss_contrast'] = self.contrast(student.side['projection'], target)

    Args:
        num_classes: ``C``.
        channels: ``D'`` of the embeddings.
        temperature: :math:`\tau` of the contrast.
        momentum: :math:`m`, the share of the new batch.
        anchors_per_class: Largest number of anchors per class in the batch of a process.
        repulsion: Weight of :func:`prototype_repulsion` of the anchors' means (per process); 0 leaves it out.

    Raises:
        ValueError: If a number is out of its range.
    """

    prototypes: Tensor
    known: Tensor

    def __init__(
        self,
        num_classes: int,
        channels: int,
        temperature: float = 0.1,
        momentum: float = 0.01,
        anchors_per_class: int = 256,
        repulsion: float = 0.0,
    ) -> None:
        super().__init__()
        if temperature <= 0 or anchors_per_class < 1 or repulsion < 0:
            raise ValueError(
                'PrototypeContrast needs temperature > 0, anchors_per_class >= 1 and repulsion >= 0, '
                f'got {temperature}, {anchors_per_class} and {repulsion}.'
            )
        self.temperature, self.momentum = temperature, share_of_new('PrototypeContrast', momentum)
        self.anchors_per_class = anchors_per_class
        self.repulsion = repulsion
        self.register_buffer('prototypes', torch.zeros(num_classes, channels))
        self.register_buffer('known', torch.zeros(num_classes, dtype=torch.bool))

    @torch.no_grad()
    def update(self, embedding: Tensor, *targets: PixelTarget) -> None:
        """Move the prototypes of the classes in a batch.

        Args:
            embedding: ``(B, D', h, w)`` of the teacher.
            *targets: Targets of its images in their order, hard or soft, at any size; a pixel counts with its weight.
        """
        pixels, labels, weights = self._pixels(embedding, targets)
        sums, mass = _class_sums(F.normalize(pixels, dim=1), labels, weights, len(self.prototypes))
        all_reduce(sums)
        all_reduce(mass)
        present = mass > 0
        share = torch.where(self.known, self.momentum, 1.0) * present  # the first batch sets a prototype
        means = sums / mass.where(present, mass.new_ones(()))[:, None]
        moved = F.normalize(self.prototypes.lerp(means, share[:, None]), dim=1)
        self.prototypes.copy_(moved.where(present[:, None], self.prototypes))
        self.known.logical_or_(present)

    def forward(self, embedding: Tensor, *targets: PixelTarget) -> Tensor:
        """Compute the contrast of a batch with the prototypes.

        Args:
            embedding: ``(B, D', h, w)`` of the student.
            *targets: Targets of its images in their order, hard or soft, at any size; the weights are the
                :math:`r_i`, and a pixel of weight 0 is no anchor.

        Returns:
            A scalar; 0 with a zero gradient without an anchor.
        """
        pixels, labels, weights = self._pixels(embedding, targets)
        # a mask over all pixels instead of an index: their number is then known without a sync
        anchors = chosen_per_class(labels, self.anchors_per_class)
        cost = prototype_contrast(pixels, labels, self.prototypes, self.known, self.temperature)
        loss = masked_mean(cost * weights, over=anchors)
        if self.repulsion:
            members = F.normalize(pixels, dim=1), labels, weights * anchors
            means, mass = _class_sums(*members, len(self.prototypes))
            push = prototype_repulsion(means, mass > 0, self.prototypes, self.known, REPULSION_MARGIN)
            loss = loss + self.repulsion * push
        return loss

    def _pixels(self, embedding: Tensor, targets: Sequence[PixelTarget]) -> Tuple[Tensor, Tensor, Tensor]:
        """Return embeddings (N, D'), labels (N,) with 255 where the weight is 0, and weights (N,)."""
        images, channels = sum(len(target.label) for target in targets), self.prototypes.shape[1]
        if embedding.dim() != 4 or embedding.shape[:2] != (images, channels):
            raise ValueError(
                f'PrototypeContrast needs an embedding ({images}, {channels}, h, w) for targets of {images} images and '
                f'channels={channels}, got {tuple(embedding.shape)}.'
            )
        # one label per embedding: a mean of labels would mix classes
        near = [target.at_stride(embedding.shape[2:]) for target in targets]
        label, weight = (torch.cat(maps).flatten() for maps in zip(*near))
        label = label.where(weight > 0, label.new_full((), IGNORE_INDEX))
        return embedding.float().movedim(1, -1).flatten(0, 2), label, weight.float()


@without_autocast  # sums of thousands of pixels need more than 8 bits
def _class_sums(pixels: Tensor, labels: Tensor, weights: Tensor, num_classes: int) -> Tuple[Tensor, Tensor]:
    """Return the weighted sum of the embeddings of each class (C, D'), and the sum of their weights (C,)."""
    counted = weights * (labels != IGNORE_INDEX)
    members = F.one_hot(labels.clamp(max=num_classes - 1), num_classes) * counted[:, None]
    return members.T @ pixels, members.sum(dim=0)
