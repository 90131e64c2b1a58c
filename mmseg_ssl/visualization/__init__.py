"""Pictures of what a method sees and what it is taught."""

from .scribble_panels import scribble_panels

__all__ = ['scribble_panels']
