"""Builders: what makes images, each behind ports.Builder."""
