"""Imports: the Compose files that a team has → the declarations that deliver the same."""
