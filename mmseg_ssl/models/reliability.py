"""The teacher's predictions in a step of FARCLUSS, and how far each pixel of them is trusted."""

from typing import NamedTuple

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import entropy_reliability
from ..structures import Prediction


class TeacherStep(NamedTuple):
    """The teacher's predictions in a step.

    Attributes:
        sup: Prediction of the labeled images.
        truth: Their ground truth, ``(B, H, W)`` int64, 255 ignored.
        weak: Prediction of the unlabeled images.
        probs: Its probabilities, ``(B, C, H, W)``.
        valid: ``(B, H, W)`` bool, which unlabeled pixels are image.
    """

    sup: Prediction
    truth: Tensor
    weak: Prediction
    probs: Tensor
    valid: Tensor


@MODELS.register_module()
class EntropyReliability(nn.Module):
    """Weight of unlabeled pixels by the entropy of the teacher's prediction, see :func:`entropy_reliability`.

    Another registered module with the same ``forward`` may take its place, see ``projects/energy_farcluss``.

    Args:
        form: ``'linear'``, ``'exponential'`` or ``'none'``.
        exponent: :math:`a` there.

    Raises:
        ValueError: If the form is unknown or the exponent negative.
    """

    def __init__(self, form: str = 'linear', exponent: float = 1.0) -> None:
        super().__init__()
        self.form, self.exponent = form, exponent
        entropy_reliability(torch.full((1, 2), 0.5), form, exponent)  # a wrong option fails now, not in the first step

    def forward(self, step: TeacherStep) -> Tensor:
        """Weigh every unlabeled pixel.

        Args:
            step: The teacher's predictions.

        Returns:
            ``(B, H, W)`` in ``[0, 1]``, without a gradient.
        """
        return entropy_reliability(step.probs, self.form, self.exponent)
