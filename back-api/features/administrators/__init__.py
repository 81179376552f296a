"""Admins, made from the command line: `python -m features.administrators EMAIL`."""
