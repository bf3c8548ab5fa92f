"""Promote one image digest through environments, and keep a versioned record of it."""

__version__ = "0.1.0"
