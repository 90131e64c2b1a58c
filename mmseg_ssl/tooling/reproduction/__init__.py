"""Runs and shows the tables and figures of the papers, for ``tools/reproduce.py``; rows are in ``matrix/papers``."""
