"""Child processes with limits: argument list, no shell, minimal environment."""
