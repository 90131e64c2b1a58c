"""Side heads: extra outputs of a branch, by name, attached by config."""

from .energy_head import EnergyHead
from .variance_head import VarianceHead

__all__ = ['EnergyHead', 'VarianceHead']
