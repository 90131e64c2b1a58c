"""Pictures of a method's inputs, targets and predictions."""

from .inline_images import fit_within, heat, jpeg_uri, png_uri, svg_uri
from .scribble_panels import scribble_panels

__all__ = ['fit_within', 'heat', 'jpeg_uri', 'png_uri', 'scribble_panels', 'svg_uri']
