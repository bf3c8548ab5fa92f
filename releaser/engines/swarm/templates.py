"""Texts that Swarm would take for Go templates: in the values of variables, host names, and mounts.

Tried on Docker 26.1: commands, container labels, folders and health checks are taken as they are.
"""

_OPENS, _ESCAPED = "{{", '{{"{{"}}'


def escaped(text: str) -> str:
    """The template that Swarm expands to this text."""
    return text.replace(_OPENS, _ESCAPED)


def unescaped(template: str) -> str | None:
    """The text that Swarm expands this to; None where it is a template that somebody wrote, as we never do."""
    text = template.replace(_ESCAPED, _OPENS)
    return text if escaped(text) == template else None
