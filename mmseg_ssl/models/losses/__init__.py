"""Losses, each a pure function; the names are those of the papers."""

from .cross_entropy import pixel_cross_entropy
from .energy import energy_loss, energy_reliability, free_energy
from .hard_pixels import HardPixelCrossEntropy
from .heteroscedastic import heteroscedastic_cross_entropy, release_aleatoric_loss

__all__ = [
    'HardPixelCrossEntropy',
    'energy_loss',
    'energy_reliability',
    'free_energy',
    'heteroscedastic_cross_entropy',
    'pixel_cross_entropy',
    'release_aleatoric_loss',
]
