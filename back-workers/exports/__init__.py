"""Exports: the file that is written, and the links that download it."""
