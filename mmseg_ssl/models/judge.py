"""What a method that asks a judge of predictions needs of it."""

from typing import Dict, Protocol

from torch import Tensor

from ..structures import PixelTarget


class Judge(Protocol):
    """Says pixel by pixel whether a prediction is right: :class:`ErrorLocalizer`, or one of its baselines."""

    def __call__(self, images: Tensor, logits: Tensor) -> Tensor:
        """Judge the prediction ``(B, C, H, W)`` of images ``(B, 3, H, W)``; what comes out is read by the others."""

    def correctness(self, output: Tensor, logits: Tensor) -> Tensor:
        """Probability that the predicted class is right, ``(B, H, W)``."""

    def target(self, output: Tensor, logits: Tensor, threshold: float) -> PixelTarget:
        """The classes that the judge calls right, or its own."""

    def loss(self, output: Tensor, logits: Tensor, label: Tensor, inside: Tensor) -> Dict[str, Tensor]:
        """Learn from labels ``(B, H, W)``, inside of the images."""
