"""Metrics."""

from .semi_iou_metric import SemiIoUMetric

__all__ = ['SemiIoUMetric']
