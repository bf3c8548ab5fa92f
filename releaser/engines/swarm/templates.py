"""Texts that Swarm would take for Go templates: in the values of variables, host names, and mounts.

Tried on Docker 26.1: commands, container labels, folders and health checks are taken as they are.
"""

_OPENS, _ESCAPED = "{{", '{{"{{"}}'

UNESCAPED = "a template: "
"""What a text begins with that somebody had Swarm expand; we never do."""


def escaped(text: str) -> str:
    """The template that Swarm expands to this text."""
    return text.replace(_OPENS, _ESCAPED)


def unescaped(template: str) -> str:
    """The text that Swarm expands this to; where somebody wrote a template, the template with a word before it."""
    text = template.replace(_ESCAPED, _OPENS)
    return text if escaped(text) == template else UNESCAPED + template
