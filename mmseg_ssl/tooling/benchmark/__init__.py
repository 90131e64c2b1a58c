"""Cost of a method's training step, for ``tools/benchmark_step.py``."""

from .measure import StepMeter
from .measured_method import build_measured_method, find_method_configs
from .random_batch import Setup
from .settings import BASE, SHIPPED, check_setting

__all__ = [
    'BASE',
    'SHIPPED',
    'Setup',
    'StepMeter',
    'build_measured_method',
    'check_setting',
    'find_method_configs',
]
