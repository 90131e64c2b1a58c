"""Metrics."""

from .calibration_metric import CalibrationMetric
from .error_localization_metric import ErrorLocalizationMetric
from .semi_iou_metric import SemiIoUMetric

__all__ = ['CalibrationMetric', 'ErrorLocalizationMetric', 'SemiIoUMetric']
