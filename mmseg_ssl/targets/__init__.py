"""Pure functions: probabilities in, :class:`~mmseg_ssl.structures.PixelTarget` out."""

from .adaptive_threshold import adaptive_threshold
from .agreement import Vote, disagreement, intersection, union, vote
from .confidence import argmax_target, confident
from .dense_self_labeling import dense_self_label
from .fuzzy import fuzzy_cumulative, fuzzy_topk
from .graph_cut_labels import hard_self_label
from .located import located
from .self_labeling import self_label

__all__ = [
    'Vote',
    'adaptive_threshold',
    'argmax_target',
    'confident',
    'dense_self_label',
    'disagreement',
    'fuzzy_cumulative',
    'fuzzy_topk',
    'hard_self_label',
    'intersection',
    'located',
    'self_label',
    'union',
    'vote',
]
