"""Thresholds of confidence above which a pixel teaches."""

from typing import Union

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..targets import adaptive_threshold
from ..utils.choices import probability, share_of_new


@MODELS.register_module()
class FixedThreshold(nn.Module):
    """The same threshold at all times.

    Args:
        value: In ``[0, 1]``; 0 keeps every pixel.
    """

    def __init__(self, value: float = 0.95) -> None:
        super().__init__()
        self.value = probability(threshold=value)

    def forward(self, probs: Tensor, valid: Tensor) -> float:
        """Return the threshold; see :meth:`AdaptiveThreshold.forward`."""
        return self.value


@MODELS.register_module()
class AdaptiveThreshold(nn.Module):
    """CorrMatch's threshold, which follows the confidence of the classes; see :func:`adaptive_threshold`.

    The threshold is a buffer, so that checkpoints keep it. A batch moves it before it is applied to that batch.

    Args:
        initial: Where it starts, in ``[0, 1]``.
        momentum: Share of the NEW value; 0.001 is the paper's decay of 0.999.
    """

    value: Tensor

    def __init__(self, initial: float = 0.85, momentum: float = 0.001) -> None:
        super().__init__()
        probability(initial=initial)
        # 0 leaves it where it starts
        self.momentum = share_of_new('AdaptiveThreshold', momentum) if momentum else 0.0
        self.register_buffer('value', torch.tensor(float(initial)))

    def forward(self, probs: Tensor, valid: Tensor) -> Tensor:
        """Follow a batch while training, and return the threshold.

        Args:
            probs: ``(B, C, H, W)``, summing to one over dim 1.
            valid: ``(B, H, W)`` bool, which pixels are image.

        Returns:
            A scalar; a copy, which the next step does not change.
        """
        # validation must not move it
        if self.training:
            self.value.copy_(adaptive_threshold(self.value, probs, valid, self.momentum))
        return self.value.clone()


def build_threshold(threshold: Union[float, dict]) -> nn.Module:
    """Build a threshold from a number, or from the config of a module ``(probs, valid) -> threshold``."""
    return MODELS.build(threshold) if isinstance(threshold, dict) else FixedThreshold(threshold)
