"""Cost of a method's training step, for ``tools/benchmark_step.py``."""

from .clock import keep_freed_memory
from .measure import StepMeter
from .measured_method import Setup, build_measured_method, find_method_configs

__all__ = ['Setup', 'StepMeter', 'build_measured_method', 'find_method_configs', 'keep_freed_memory']
