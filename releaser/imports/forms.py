"""Compose's short forms → its long ones: one shape for each word, before anything is merged."""

from collections.abc import Callable, Mapping

from releaser.imports import mount_forms, port_forms
from releaser.imports.scalars import printed
from releaser.imports.texts import Text
from releaser.imports.tree import Node, called, entries, is_list, is_map, is_text, items, refused
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.value import Location

Form = Callable[[Node], Node]


def canonical(document: Node, problems: list[Problem]) -> Node:
    """The document with every word in its long form; what cannot be read is left out and told."""
    if not is_map(document):
        raise refused("a Compose file is a map", "begin with `services:`", document.place)
    return _formed(document, _DOCUMENT, problems)


def _formed(node: Node, forms: Mapping[str, object], problems: list[Problem]) -> Node:
    """A map with those of its values in another form that a table names; `*` is any key."""
    if not is_map(node):
        raise refused(f"{called(node)} where a map must stand", "indent what belongs to it", node.place)
    values: dict[str, Node] = {}
    for key, child in node.value.items():
        form = forms.get(key) or forms.get("*")
        try:
            values[key] = _applied(child, form, problems)
        except InvalidDeclarations as error:
            problems.extend(error.problems)
    return Node(values, node.place, node.keys, node.tag)


def _applied(child: Node, form: object, problems: list[Problem]) -> Node:
    if form is None or child.value is None:
        return child
    if isinstance(form, Mapping):
        return _formed(child, form, problems)
    made: Node = form(child)  # type: ignore[operator]
    return Node(made.value, made.place, made.keys, child.tag)


# --- forms ---


def text_of(node: Node) -> Text:
    """A scalar as the text that Go makes of it. Raises InvalidDeclarations."""
    if isinstance(node.value, dict | list) or node.value is None:
        raise refused(f"{called(node)} where a text must stand", "write one text", node.place)
    return node.value if is_text(node.value) else Text.of(printed(node.value))


def _listed(node: Node) -> Node:
    """One value as a list of it."""
    return node if is_list(node) else node.with_value([node], {})


def _mapping(node: Node) -> Node:
    """`[KEY=value, NAME]` as a map; a name without a value has null."""
    if is_map(node):
        return node
    _must_be_list(node)
    values: dict[str, Node] = {}
    keys: dict[str, Location] = {}
    for item in items(node):
        key, valued, value = text_of(item).partition("=")
        values[key.plain] = item.with_value(value if valued else None, {})
        keys[key.plain] = item.place
    return node.with_value(values, keys)


def _named(node: Node) -> Node:
    """`[a, b]` as a map of names without a value."""
    if is_map(node):
        return node
    _must_be_list(node)
    values = {text_of(item).plain: item.with_value(None, {}) for item in items(node)}
    return node.with_value(values, {text_of(item).plain: item.place for item in items(node)})


def _below(word: str) -> Form:
    """A text as a map with that one word."""

    def form(node: Node) -> Node:
        if is_map(node):
            return node
        if node.value is None or is_list(node):
            raise refused(f"{called(node)} where a text or a map must stand", f"write `{word}: …`", node.place)
        return node.with_value({word: node}, {word: node.place})

    return form


def _each(form: Form) -> Form:
    """A list, each of its elements in another form."""

    def formed(node: Node) -> Node:
        _must_be_list(node)
        return node.with_value([form(item) for item in items(node)], {})

    return formed


def _many(form: Callable[[Node, Text], list[Node]]) -> Form:
    """A list, each short element as one or several long ones."""

    def formed(node: Node) -> Node:
        _must_be_list(node)
        found: list[Node] = []
        for item in items(node):
            if is_map(item):
                found.append(item)
                continue
            text = text_of(item)
            try:
                found.extend(form(item, text))
            except ValueError as error:
                raise _unformed(text, str(error), item.place) from error
        return node.with_value(found, {})

    return formed


def _unformed(text: Text, why: str, place: Location) -> InvalidDeclarations:
    """What cannot be read; most often as a variable has no value."""
    unset = [variable.name for variable in text.variables if not variable.value]
    if unset:
        return refused(f"{why}: {unset[0]} is not set", f"say what it is: --var {unset[0]}=VALUE", place)
    return refused(why, "write it in the long form to say what is meant", place)


def _hosts(node: Node) -> Node:
    """Host → list of its addresses; from a map, or from `[host=address, host:address]`."""
    values: dict[str, Node] = {}
    keys: dict[str, Location] = {}
    for host, place, addresses in _host_entries(node):
        known = values.get(host)
        listed = [*(known.value if known else []), *addresses]
        values[host] = Node(listed, place)
        keys.setdefault(host, place)
    return node.with_value(values, keys)


def _host_entries(node: Node) -> list[tuple[str, Location, list[Node]]]:
    if is_map(node):
        return [
            (host, node.key_place(host), [_address(one) for one in (items(value) if is_list(value) else [value])])
            for host, value in entries(node)
        ]
    _must_be_list(node)
    found = []
    for item in items(node):
        text = text_of(item)
        host, valued, address = text.partition("=" if "=" in text.plain else ":")
        if not valued or not host:
            raise refused(f"`{text.plain}` names no host and address", "write it as `host=address`", item.place)
        found.append((host.plain, item.place, [_address(item.with_value(one)) for one in address.split(",")]))
    return found


def _address(node: Node) -> Node:
    text = text_of(node)
    bracketed = len(text.plain) > 2 and text.plain[0] == "[" and text.plain[-1] == "]"
    return node.with_value(text.cut(1, len(text.plain) - 1) if bracketed else text)


def _external(node: Node) -> Node:
    """`external: {name: X}`, an old form, as `external: true` and `name: X`."""
    external = node.get("external") if is_map(node) else None
    if external is None or not is_map(external):
        return node
    named = {"name": external.value["name"]} if "name" in external.value else {}
    values = {**node.value, "external": external.with_value(True, {}), **named}
    return node.with_value(values)


def _must_be_list(node: Node) -> None:
    if not is_list(node):
        raise refused(f"{called(node)} where a list must stand", "write `- value` lines", node.place)


_RESOURCE = {"labels": _mapping, "driver_opts": _mapping}

_SERVICE: Mapping[str, object] = {
    "build": _below("context"),
    "env_file": lambda node: _each(_below("path"))(_listed(node)),
    "extends": _below("service"),
    "configs": _each(_below("source")),
    "secrets": _each(_below("source")),
    "ports": _many(port_forms.long),
    "volumes": _many(mount_forms.long),
    "depends_on": _named,
    "networks": _named,
    "extra_hosts": _hosts,
    "deploy": {"labels": _mapping},
    **dict.fromkeys(("environment", "labels", "annotations", "sysctls"), _mapping),
    **dict.fromkeys(("dns", "dns_search", "tmpfs", "label_file"), _listed),
}


def _resource(node: Node) -> Node:
    if not is_map(node):
        raise refused(f"{called(node)} where a map must stand", "write `name: {}` for every default", node.place)
    made = _external(node)
    values = {key: _RESOURCE[key](child) if _formable(key, child) else child for key, child in made.value.items()}
    return made.with_value(values)


def _formable(key: str, node: Node) -> bool:
    return key in _RESOURCE and node.value is not None


_DOCUMENT: Mapping[str, object] = {
    "include": lambda node: _each(_below("path"))(_listed(node)),
    "services": {"*": _SERVICE},
    **{kind: {"*": _resource} for kind in ("volumes", "networks", "secrets", "configs")},
}
