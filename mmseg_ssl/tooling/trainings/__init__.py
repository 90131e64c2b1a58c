"""Plans of trainings that run side by side, for ``tools/run_benchmark.py``."""
