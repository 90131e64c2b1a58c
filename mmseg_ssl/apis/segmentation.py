"""The prediction of one image."""

from typing import Dict, NamedTuple, Tuple

import numpy as np


class Segmentation(NamedTuple):
    """Prediction of an image of H x W pixels, on the CPU."""

    mask: np.ndarray  # (H, W) uint8, class indices
    confidence: np.ndarray  # (H, W) float32, probability of the likeliest class, in [0, 1]
    uncertainty: np.ndarray  # (H, W) float32, entropy of the probabilities over ln(classes), in [0, 1]
    maps: Dict[str, np.ndarray]  # (H, W) float32, the network's own: variance, energy, correctness
    classes: Tuple[str, ...]  # names
    palette: np.ndarray  # (C, 3) uint8, red, green, blue

    def shares(self) -> Dict[str, float]:
        """Return the share of each class in the mask, in [0, 1], by name; classes that do not occur have 0."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        return {name: float(count) / self.mask.size for name, count in zip(self.classes, counts)}

    def overlay(self, image: np.ndarray, opacity: float = 0.5) -> np.ndarray:
        """Paint the classes over the image.

        Args:
            image: ``(H, W, 3)`` uint8, blue, green, red as OpenCV reads it.
            opacity: Weight of the class's color in [0, 1].

        Returns:
            The picture, like ``image``.
        """
        colors = self.palette[self.mask][..., ::-1]
        return ((1 - opacity) * image + opacity * colors).round().astype(np.uint8)
