"""The short form of mounts: `data:/var/lib/data:ro`, `./conf:/etc/app`, `/var/cache`."""

from releaser.imports.texts import Text
from releaser.imports.tree import Node

_PROPAGATIONS = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
_SELINUX = frozenset({"z", "Z"})


def long(node: Node, text: Text) -> list[Node]:
    """The short form as a long one. Raises ValueError where it is none."""
    parts = _parts(text)
    if not 0 < len(parts) <= 3 or not all(parts):
        raise ValueError(f"`{text.plain}` is not a mount")
    if len(parts) == 1:
        return [_mount(node, {"type": Text.of("volume"), "target": parts[0]})]
    source, target, *options = parts
    words: dict[str, object] = {"source": source, "target": target}
    words |= _options(node, options[0].plain.split(",") if options else [])
    if is_path(source.plain):
        bind = words.get("bind") or node.with_value({}, {})
        bind.value["create_host_path"] = node.with_value(True, {})  # type: ignore[attr-defined]
        words |= {"type": Text.of("bind"), "bind": bind}
    else:
        words["type"] = Text.of("volume")
    return [_mount(node, words)]


def is_path(source: str) -> bool:
    """Whether a mount's source is a path on the host, not a volume's name."""
    return source[:1] in {".", "/", "~"} or source.startswith("\\\\") or _drive(source, 1)


def _parts(text: Text) -> list[Text]:
    """The text between colons; one after a drive letter of Windows separates nothing."""
    parts: list[Text] = []
    start = 0
    for at, character in enumerate(text.plain):
        if character == ":" and not (at - start == 1 and _drive(text.plain[start:], 1)):
            parts.append(text.cut(start, at))
            start = at + 1
    return [*parts, text.cut(start)]


def _drive(text: str, colon: int) -> bool:
    return text[:colon].isalpha() and text[colon : colon + 1] == ":" and text[colon + 1 : colon + 2] in {"\\", "/"}


def _options(node: Node, options: list[str]) -> dict[str, object]:
    words: dict[str, object] = {}
    bind: dict[str, Node] = {}
    for option in options:
        if option == "ro":
            words["read_only"] = True
        elif option == "nocopy":
            words["volume"] = node.with_value({"nocopy": node.with_value(True, {})}, {})
        elif option in _PROPAGATIONS:
            bind["propagation"] = node.with_value(Text.of(option), {})
        elif option in _SELINUX:
            bind["selinux"] = node.with_value(Text.of(option), {})
    if bind:
        words["bind"] = node.with_value(bind, {})
    return words


def _mount(node: Node, words: dict[str, object]) -> Node:
    return node.with_value(
        {word: value if isinstance(value, Node) else node.with_value(value, {}) for word, value in words.items()}, {}
    )
