"""Plans of trainings, run side by side: what ``tools/run_benchmark.py`` does."""
