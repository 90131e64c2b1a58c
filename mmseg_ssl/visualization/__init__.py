"""Pictures of a method's inputs, targets and predictions."""

from .inline_images import fit_within, heat, jpeg_uri, png_uri, svg_uri
from .sights import NetworkSight, StepSight
from .step_panels import step_rows
from .step_picture import draw_rows

__all__ = [
    'NetworkSight',
    'StepSight',
    'draw_rows',
    'fit_within',
    'heat',
    'jpeg_uri',
    'png_uri',
    'step_rows',
    'svg_uri',
]
