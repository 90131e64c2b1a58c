"""Pure functions: probabilities in, :class:`~mmseg_ssl.structures.PixelTarget` out."""

from .agreement import disagreement, intersection, union
from .confidence import confident
from .located import located

__all__ = ['confident', 'disagreement', 'intersection', 'located', 'union']
