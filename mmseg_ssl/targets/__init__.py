"""Pure functions: probabilities in, :class:`~mmseg_ssl.structures.PixelTarget` out."""

from .adaptive_threshold import adaptive_threshold
from .agreement import disagreement, intersection, union
from .confidence import confident
from .fuzzy import fuzzy_cumulative, fuzzy_topk, sharpen
from .located import located

__all__ = [
    'adaptive_threshold',
    'confident',
    'disagreement',
    'fuzzy_cumulative',
    'fuzzy_topk',
    'intersection',
    'located',
    'sharpen',
    'union',
]
