"""FARCLUSS with DUEB's energy as one more weight."""

from .energy_farcluss import EnergyFARCLUSS

__all__ = ['EnergyFARCLUSS']
