"""Where a text is read by a shell inside the container, which knows the container's environment variables."""

import posixpath

from releaser.imports.tree import Node, is_list, is_text
from releaser.model.value import Path

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})


def reads_environment(path: Path, node: Node) -> int | None:
    """The element of a list that a shell reads; 0 for a single text that one reads, None where there is none."""
    word = ".".join(path[2:])
    if word == "healthcheck.test":
        return _of_check(node)
    return _of_command(node) if word in {"command", "entrypoint"} else None


def _of_check(node: Node) -> int | None:
    if not is_list(node):
        return 0
    texts = _texts(node)
    if texts[:1] == ["CMD-SHELL"]:
        return 1
    return _after_option(texts[1:], 1) if texts[:1] == ["CMD"] else None


def _of_command(node: Node) -> int | None:
    return _after_option(_texts(node), 0) if is_list(node) else None


def _after_option(texts: list[str], before: int) -> int | None:
    """The script in `sh -c SCRIPT`."""
    if not texts or posixpath.basename(texts[0]) not in _SHELLS:
        return None
    script = next((index for index, text in enumerate(texts) if text.startswith("-") and text.endswith("c")), None)
    return None if script is None or script + 1 >= len(texts) else before + script + 1


def _texts(node: Node) -> list[str]:
    return [child.value.plain if is_text(child.value) else "" for child in node.value]
