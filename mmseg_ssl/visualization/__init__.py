"""Pictures of a method's inputs and targets."""

from .scribble_panels import scribble_panels

__all__ = ['scribble_panels']
