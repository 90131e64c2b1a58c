"""Pure functions: probabilities in, :class:`~mmseg_ssl.structures.PixelTarget` out."""

from .agreement import disagreement, intersection, union
from .confidence import confident

__all__ = ['confident', 'disagreement', 'intersection', 'union']
