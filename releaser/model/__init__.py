"""Frozen values and the error tree; no I/O and nothing of this project below it."""
