"""Metrics."""

from .boundary_iou_metric import BoundaryIoUMetric
from .calibration_metric import CalibrationMetric
from .error_localization_metric import ErrorLocalizationMetric
from .known_classes_metric import KnownClassesMetric
from .semi_iou_metric import SemiIoUMetric
from .uncertainty_metric import UncertaintyMetric

__all__ = [
    'BoundaryIoUMetric',
    'CalibrationMetric',
    'ErrorLocalizationMetric',
    'KnownClassesMetric',
    'SemiIoUMetric',
    'UncertaintyMetric',
]
