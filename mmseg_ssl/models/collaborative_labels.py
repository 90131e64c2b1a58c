"""Labels of CPCL: the intersection and the union of two networks' predictions."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..structures import PixelTarget
from ..targets import Vote, disagreement, intersection, union


class CollaborativeLabels(NamedTuple):
    """Targets of both branches on the same images.

    Attributes:
        conservative: Intersection of both votes; weight 0 on padding and where they differ.
        progressive: Union of both votes; weight 0 on padding.
    """

    conservative: PixelTarget
    progressive: PixelTarget

    @property
    def agreed(self) -> Tensor:
        """Return the image pixels on which both votes are the same, ``(B, H, W)`` bool."""
        return self.conservative.weight > 0


def collaborative_labels(vote_a: Vote, vote_b: Vote, valid: Tensor) -> CollaborativeLabels:
    """Make both targets; the class-wise disagreement behind the union is that of the batches of all processes.

    Args:
        vote_a: Of the conservative network.
        vote_b: Of the progressive network.
        valid: ``(B, H, W)`` bool, which pixels are image.

    Returns:
        The targets.
    """
    nowhere = torch.full((), vote_a.num_classes, device=valid.device)  # out of range: does not count
    labels = [voted.label.where(valid, nowhere) for voted in (vote_a, vote_b)]
    indicator = disagreement(labels[0], labels[1], vote_a.num_classes)
    # weight 0 rather than label 255 on padding: a method may weigh the labels once more
    return CollaborativeLabels(
        intersection(vote_a, vote_b).reweight(valid), union(vote_a, vote_b, indicator).reweight(valid)
    )
