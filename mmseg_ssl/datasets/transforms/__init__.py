from .formatting import PackSemiInputs
from .scribbles import LoadScribbles, ResizeScribbles, find_scribble_loader, resize_scribbles

__all__ = ['LoadScribbles', 'PackSemiInputs', 'ResizeScribbles', 'find_scribble_loader', 'resize_scribbles']
