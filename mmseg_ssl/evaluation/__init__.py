"""Metrics."""

from .error_localization_metric import ErrorLocalizationMetric
from .semi_iou_metric import SemiIoUMetric

__all__ = ['ErrorLocalizationMetric', 'SemiIoUMetric']
