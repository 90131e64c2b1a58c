"""Checks that find bad data before training starts; each error names the file and the fix."""

from .check import build_set, check_scored_set, check_semi_dataset, inspect_data
from .fix import fix_masks
from .report import Problem, Report, SetFacts

__all__ = [
    'Problem',
    'Report',
    'SetFacts',
    'build_set',
    'check_scored_set',
    'check_semi_dataset',
    'fix_masks',
    'inspect_data',
]
