"""Losses, each a pure function; the names are those of the papers."""

from .collision import collision_cross_entropy, reverse_cross_entropy
from .cross_entropy import pixel_cross_entropy
from .energy import (
    energy_reliability,
    free_energy,
    hinge_energy_loss,
    joint_energy_loss,
    release_energy_loss,
)
from .energy_loss import EnergyLoss
from .error_localization import balanced_binary_cross_entropy, constrained_cross_entropy
from .hard_pixels import HardPixelCrossEntropy
from .heteroscedastic import heteroscedastic_cross_entropy
from .heteroscedastic_loss import HeteroscedasticCrossEntropy
from .pixel_contrast import pixel_contrast
from .potts_cost import PottsCost
from .prototypes import prototype_contrast, prototype_repulsion
from .release_aleatoric import release_aleatoric_loss
from .robust import robust_cross_entropy
from .tree_energy_loss import TreeEnergyLoss

__all__ = [
    'EnergyLoss',
    'HardPixelCrossEntropy',
    'HeteroscedasticCrossEntropy',
    'PottsCost',
    'TreeEnergyLoss',
    'balanced_binary_cross_entropy',
    'collision_cross_entropy',
    'constrained_cross_entropy',
    'energy_reliability',
    'free_energy',
    'heteroscedastic_cross_entropy',
    'hinge_energy_loss',
    'joint_energy_loss',
    'pixel_contrast',
    'pixel_cross_entropy',
    'prototype_contrast',
    'prototype_repulsion',
    'release_aleatoric_loss',
    'release_energy_loss',
    'reverse_cross_entropy',
    'robust_cross_entropy',
]
