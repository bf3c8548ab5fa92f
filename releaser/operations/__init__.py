"""A module a verb; the only place where ports meet planning."""
