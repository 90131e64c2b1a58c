"""Baselines of ELN's localizer: a network that corrects a prediction, and the prediction's own confidence."""

from typing import Dict

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import likeliest, masked_mean
from ..structures import IGNORE_INDEX, PixelTarget
from .error_localizer import PRIOR_EPS, ErrorLocalizer
from .losses import pixel_cross_entropy


@MODELS.register_module()
class ErrorCorrector(ErrorLocalizer):
    """Error correction network, the baseline "s-ECN" of ELN's Tables 3 and 4: it predicts the label itself.

    It has the localizer's inputs and learns the classes by plain cross entropy. Its classes are the pseudo labels of
    all pixels; as a detector of errors, it calls right what it would not change.

    Args:
        **kwargs: As for :class:`ErrorLocalizer`, whose ``balance`` and ``ignored_as_wrong`` are not used.

    Deviations from the paper:
        1. The paper states neither loss nor filter of its baseline; these are the plain choices.
    """

    @staticmethod
    def _outputs(num_classes: int) -> dict:
        return dict(num_classes=num_classes)

    @staticmethod
    def _prior(probs: Tensor) -> Tensor:
        """Return the logits of the prediction: before anything is learned, nothing is corrected."""
        return probs.clamp(min=PRIOR_EPS).log()

    def correctness(self, output: Tensor, logits: Tensor) -> Tensor:
        """Return 1 where the correction equals the prediction, else 0; ``(B, H, W)``."""
        return (likeliest(output)[1] == likeliest(logits)[1]).to(output.dtype)

    def target(self, output: Tensor, logits: Tensor, threshold: float) -> PixelTarget:
        """Label every pixel with its corrected class; the threshold is not used."""
        label = likeliest(output)[1]
        return PixelTarget(label, torch.ones_like(label, dtype=output.dtype))

    def loss(self, output: Tensor, logits: Tensor, label: Tensor, inside: Tensor) -> Dict[str, Tensor]:
        """Compute the cross entropy with the label, the mean over labeled pixels."""
        valid = inside & (label != IGNORE_INDEX)
        loss = pixel_cross_entropy(output, PixelTarget(label, valid.to(output.dtype)))
        wrong = masked_mean((likeliest(logits)[1] != label).float(), over=valid)
        return dict(loss_correction=masked_mean(loss, over=valid), wrong=wrong)


@MODELS.register_module()
class ConfidenceThreshold(nn.Module):
    """The prediction's own confidence as its judge, the threshold baseline of ELN's Tables 3, 4 and 6; no parameters.

    Args:
        num_classes: Not used; every judge gets it.
    """

    def __init__(self, num_classes: int = 0) -> None:
        super().__init__()

    def forward(self, images: Tensor, logits: Tensor) -> Tensor:
        """Return the largest probability of every pixel, ``(B, 1, H, W)``."""
        return logits.detach().float().softmax(dim=1).amax(dim=1, keepdim=True)

    def correctness(self, output: Tensor, logits: Tensor) -> Tensor:
        """Return the confidence, ``(B, H, W)``."""
        return output.squeeze(1)

    target = ErrorLocalizer.target

    def loss(self, output: Tensor, logits: Tensor, label: Tensor, inside: Tensor) -> Dict[str, Tensor]:
        """Return no loss: there is nothing to learn."""
        return {}
