"""What only the command line tools run; nothing of the package imports it."""
