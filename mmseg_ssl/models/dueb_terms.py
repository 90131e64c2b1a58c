"""The frame of what DUEB adds to CPCL: terms of uncertainty and of energy, chosen by config."""

import math
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

from mmseg.registry import MODELS
from torch import Tensor, nn

from ..structures import PixelTarget, Prediction

Terms = Dict[str, Tensor]


class MixedLabels(NamedTuple):
    """Labels of the mixed images for one branch.

    Attributes:
        label: ``(B, H, W)`` int64, 255 on padding and where there is none.
        valid: ``(B, H, W)`` bool, which pixels are image.
        agreed: ``(B, H, W)`` bool, image pixels on which both branches agree.
    """

    label: Tensor
    valid: Tensor
    agreed: Tensor


class NoTerm(nn.Module):
    """Adds nothing; the base class of the terms.

    In each step a term first observes the labeled images, then may reweight the target, then returns its losses:
    ``sup.loss_<kind>`` on ground truth and ``unsup.loss_<kind>`` on the target.
    """

    def observe(self, logits: Tensor, truth: Tensor) -> None:
        """Take in a prediction of labeled images, ``(B, C, H, W)``, and their labels ``(B, H, W)``."""

    def reweight(self, target: PixelTarget, logits: Tensor) -> PixelTarget:
        """Change how much the pixels of a target count, by the learner's own prediction of them."""
        return target

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch.

        Args:
            sup: Prediction of the labeled images.
            truth: Their labels, ``(B, H, W)`` int64, 255 ignored.
            mixed: Prediction of the mixed images.
            pseudo: What the branch is taught on them.

        Returns:
            Weighted losses, and values to log.
        """
        return {}


def two_weights(owner: str, weight: Sequence[float]) -> Tuple[float, float]:
    """Check the weights of a term on ground truth and on pseudo labels, and return them.

    Args:
        owner: Whose they are.
        weight: Two finite numbers, at least 0.

    Raises:
        ValueError: They are others.
    """
    if len(weight) != 2 or not all(0 <= one < math.inf for one in weight):
        raise ValueError(
            f'{owner}: weight is two finite numbers >= 0, of ground truth and of pseudo labels; got {weight}.'
        )
    return weight[0], weight[1]


def build_term(config: Optional[dict], default: str) -> nn.Module:
    """Build a term from its config, whose type may be left out; :class:`NoTerm` from None."""
    return NoTerm() if config is None else MODELS.build(dict(dict(type=default), **config))
