"""Side heads: named extra outputs of a branch, attached by config."""

from .energy_head import EnergyHead
from .projection_head import ProjectionHead
from .side_heads import SideHeads
from .variance_head import VarianceHead

__all__ = ['EnergyHead', 'ProjectionHead', 'SideHeads', 'VarianceHead']
