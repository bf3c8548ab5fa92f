"""Compose's rules for laying one file over another; both are in the long form.

Maps merge deep, lists grow, single values are replaced, null changes nothing; and the words below have rules of their
own. `!reset` takes away what is below, `!override` replaces it whole.
"""

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from releaser.imports.forms import text_of
from releaser.imports.tree import OVERRIDE, RESET, Node, called, entries, is_list, is_map, items, refused
from releaser.model.value import Json, Path

Merge = Callable[[Node, Node, Path], Node]


def merge(below: Node, above: Node, path: Path = ()) -> Node:
    """Both as one, `above` on top; its tags are obeyed. Raises InvalidDeclarations where a kind of value changes."""
    if above.tag == OVERRIDE or (below.value is None and above.value is not None):
        return without_tags(above)
    rule = next((rule for pattern, rule in _RULES.items() if _matches(path, pattern)), None)
    if above.value is None:
        return above if rule is _replaced else below
    if rule is not None:
        return rule(below, above, path)
    if is_map(below) or is_map(above):
        return _maps(below, above, path)
    return _lists(below, above, path) if is_list(below) or is_list(above) else above


def without_tags(node: Node) -> Node:
    """The tree without what `!reset` stands at, where there is nothing below."""
    if is_map(node):
        values = {key: without_tags(child) for key, child in node.value.items() if child.tag != RESET}
        return node.with_value(values)
    if is_list(node):
        return node.with_value([without_tags(child) for child in node.value if child.tag != RESET])
    return node.with_value(node.value) if node.tag else node


def _matches(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(map(fnmatchcase, path, pattern))


def _maps(below: Node, above: Node, path: Path) -> Node:
    return _over(below, above, path, merge)


def _over(below: Node, above: Node, path: Path, both: Merge) -> Node:
    """Two maps as one; `both` says what a key becomes that both have."""
    _same_kind(below, above, path)
    values = dict(below.value)
    keys = dict(below.keys)
    for key, child in above.value.items():
        keys[key] = above.key_place(key)
        if child.tag == RESET:
            values.pop(key, None)
        elif key in values:
            values[key] = both(values[key], child, (*path, key))
        else:
            values[key] = without_tags(child)
    return above.with_value(values, keys)


def _lists(below: Node, above: Node, path: Path) -> Node:
    _same_kind(below, above, path)
    together = [*below.value, *without_tags(above).value]
    index = next((index for pattern, index in _UNIQUE.items() if _matches(path, pattern)), None)
    return above.with_value(together if index is None else list(_unique(together, index)), {})


def _unique(nodes: list[Node], index: Callable[[Node], Json]) -> Iterator[Node]:
    """Each element once, at its first place, as it was written last."""
    return iter({index(node): node for node in nodes}.values())


def _same_kind(below: Node, above: Node, path: Path) -> None:
    if type(below.value) is not type(above.value):
        message = f"{called(above)} over {called(below)} in `{'.'.join(path)}`"
        hint = "Compose cannot merge them; write the same kind of value, or `!override` before it"
        raise refused(message, hint, above.place, below.place)


# --- words with rules of their own ---


def _replaced(below: Node, above: Node, path: Path) -> Node:  # noqa: ARG001 - a rule like the others
    return without_tags(above)


def _variables(below: Node, above: Node, path: Path) -> Node:
    """Null in such a map is a value: the variable is taken from outside."""
    return _over(below, above, path, _replaced)


def _addresses(below: Node, above: Node, path: Path) -> Node:
    """Addresses of a host that both have are added."""
    return _over(below, above, path, _lists)


def _logging(below: Node, above: Node, path: Path) -> Node:
    """Options belong to their driver."""
    drivers = [text_of(node.value["driver"]).plain for node in (below, above) if "driver" in _map(node, path)]
    return _maps(below, above, path) if len(set(drivers)) < 2 else without_tags(above)


def _address_ranges(below: Node, above: Node, path: Path) -> Node:
    """The ranges above, each with what is below of the same subnet."""
    _same_kind(below, above, path)
    known = {_subnet(node): node for node in items(below)}
    merged = [_maps(known[subnet], node, path) if (subnet := _subnet(node)) in known else node for node in items(above)]
    return above.with_value(merged, {})


def _map(node: Node, path: Path) -> dict[str, Node]:
    _same_kind(node.with_value({}), node, path)
    found: dict[str, Node] = node.value
    return found


def _subnet(node: Node) -> str | None:
    subnet = node.get("subnet")
    return None if subnet is None else text_of(subnet).plain


_RULES: Mapping[Path, Merge] = {
    ("services", "*", "command"): _replaced,
    ("services", "*", "entrypoint"): _replaced,
    ("services", "*", "healthcheck", "test"): _replaced,
    ("services", "*", "ulimits", "*"): _replaced,
    ("services", "*", "environment"): _variables,
    ("services", "*", "labels"): _variables,
    ("services", "*", "annotations"): _variables,
    ("services", "*", "sysctls"): _variables,
    ("services", "*", "deploy", "labels"): _variables,
    ("networks", "*", "labels"): _variables,
    ("volumes", "*", "labels"): _variables,
    ("services", "*", "extra_hosts"): _addresses,
    ("services", "*", "logging"): _logging,
    ("networks", "*", "ipam", "config"): _address_ranges,
}


# --- lists whose elements are known by a part of them ---


def _word(node: Node, *words: str) -> str:
    """What the words of a map are, where they are there."""
    return ":".join(text_of(found).plain if (found := node.get(word)) else "" for word in words)


def _name(node: Node) -> str:
    return "" if isinstance(node.value, dict | list) or node.value is None else text_of(node).plain.partition("=")[0]


def _device(node: Node) -> str:
    parts = _name(node).split(":")
    return _word(node, "target") if is_map(node) else parts[1] if len(parts) > 1 else parts[0]


def _port(node: Node) -> str:
    return (
        f"{_word(node, 'host_ip') or '0.0.0.0'}:{_word(node, 'published', 'target')}/{_word(node, 'protocol') or 'tcp'}"  # noqa: S104 - compared, not bound
    )


def _file(node: Node) -> str:
    return _word(node, "target") or "/run/secrets/" + _word(node, "source")


_NAMES = ("cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "expose", "links", "profiles", "tmpfs")
_UNIQUE: Mapping[Path, Callable[[Node], Json]] = {
    **{("services", "*", word): _name for word in _NAMES},
    ("services", "*", "devices"): _device,
    ("services", "*", "configs"): _file,
    ("services", "*", "secrets"): _file,
    ("services", "*", "ports"): _port,
    ("services", "*", "volumes"): lambda node: _word(node, "target"),
    ("services", "*", "env_file"): lambda node: _word(node, "path"),
    ("services", "*", "networks", "*", "aliases"): _name,
    ("services", "*", "networks", "*", "link_local_ips"): _name,
}


def unique(document: Node) -> Node:
    """The document with what one of its lists says twice said once, as Compose has it also without a second file."""
    return _unified(document, ())


def _unified(node: Node, path: Path) -> Node:
    if is_map(node):
        return node.with_value({key: _unified(child, (*path, key)) for key, child in entries(node)})
    index = next((index for pattern, index in _UNIQUE.items() if _matches(path, pattern)), None)
    return node if index is None or not is_list(node) else node.with_value(list(_unique(items(node), index)), {})
