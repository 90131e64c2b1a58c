from .deep_images import LoadDeepImage
from .formatting import PackSemiInputs
from .present_size import ScoreAtThisSize, at_image_size
from .pseudo_labels import LoadPseudoLabels, PackPseudoLabels
from .scribble_resizing import ResizeScribbles, resize_scribbles
from .scribbles import LoadScribbles, find_scribble_loader

__all__ = [
    'LoadDeepImage',
    'LoadPseudoLabels',
    'LoadScribbles',
    'PackPseudoLabels',
    'PackSemiInputs',
    'ResizeScribbles',
    'ScoreAtThisSize',
    'at_image_size',
    'find_scribble_loader',
    'resize_scribbles',
]
