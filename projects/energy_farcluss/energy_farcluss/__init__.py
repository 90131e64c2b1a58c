"""DUEB's energy as a weight of FARCLUSS."""

from .energy_reliability import EnergyReliability

__all__ = ['EnergyReliability']
