"""Code of the command-line tools; no other part of the package imports it."""
