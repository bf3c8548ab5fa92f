"""A declared service as Compose wants it: maps of named things become lists, names become references."""

import posixpath
import re
from collections.abc import Callable, Mapping

from releaser.engines.rendering import text
from releaser.engines.vocabulary import SERVICE
from releaser.model.value import Json, JsonMap, Value, dotted

_TEXT = frozenset({"user", "uid", "gid", "memory"})
_TEXTS = frozenset({"annotations", "driver_opts", "labels", "options", "sysctls"})
_OURS = {row.word for row in SERVICE if row.directory.idle}
"""Words that compose does not know."""
_MODE = re.compile(r"0[0-7]+\Z")


class Names(Value, frozen=True, kw_only=True):
    """What the names in a service stand for in the delivered folder."""

    image: str  # repository@digest
    configs: Mapping[str, str]  # config → its name by content
    variables: Mapping[str, str]  # secret → the variable that compose reads it from
    root: str  # the project's root, seen from the folder


class Rendered(Value, frozen=True, kw_only=True):
    """A service's body, the secrets that it refers to by path, and where its parts were declared."""

    body: JsonMap
    secrets: Mapping[str, str]
    sources: tuple[tuple[str, str], ...]


def service(name: str, words: JsonMap, names: Names) -> Rendered:
    """The service's mapping as it stands in the compose file."""
    writer = _Writer(name, names)
    return Rendered(body=writer.body(words), secrets=writer.secrets, sources=tuple(writer.sources))


def composed(tree: Json, word: str = "") -> Json:
    """A declared value as compose takes it: every `$` doubled, texts where it wants texts, file modes as numbers."""
    if isinstance(tree, Mapping):
        return {key: composed(value, "" if word in _TEXTS else key) for key, value in _texts(tree, word).items()}
    if isinstance(tree, list):
        return [composed(value) for value in tree]
    if word == "mode" and isinstance(tree, str) and _MODE.match(tree):
        return int(tree, 8)
    return text(tree).replace("$", "$$") if isinstance(tree, str) or word in _TEXT else tree


def _texts(tree: JsonMap, word: str) -> JsonMap:
    return {key: text(value) for key, value in tree.items()} if word in _TEXTS else tree


def from_root(root: str, path: str) -> str:
    """A path that was declared from the project's root, as it is written in the delivered folder."""
    if path.startswith(("/", "~")):
        return path
    relative = posixpath.normpath(posixpath.join(root, path))
    return relative if relative.startswith("..") else f"./{relative}"


class _Writer:
    def __init__(self, name: str, names: Names) -> None:
        self._declared = ("services", name)
        self._names = names
        self.secrets: dict[str, str] = {}
        self.sources: list[tuple[str, str]] = [("", dotted(self._declared))]

    def body(self, words: JsonMap) -> dict[str, Json]:
        """The whole mapping; lists that are made of maps are in the order of the names, not of the layers."""
        body: dict[str, Json] = {}
        for word, value in sorted(words.items()):
            if word in _OURS:
                continue
            write = _WRITERS.get(word)
            if write is None:
                body[word] = composed(value, word)
            else:
                write(self, body, value)
        return body

    def image(self, body: dict[str, Json], _name: str) -> None:
        body["image"] = self._names.image

    def environment(self, body: dict[str, Json], variables: JsonMap) -> None:
        body["environment"] = {key: self._variable(key, value) for key, value in variables.items()}

    def _variable(self, key: str, value: Json) -> str:
        if not isinstance(value, Mapping):
            return text(value).replace("$", "$$")
        secret = value["secret"]
        self.secrets[dotted(("environment", key))] = secret
        return "${%s:?secret %s is not set}" % (self._names.variables[secret], secret)  # noqa: UP031 - braces are text here

    def ports(self, body: dict[str, Json], ports: Mapping[str, JsonMap]) -> None:
        for key, port in sorted(ports.items()):
            if "published" in port:
                self._append(body, "ports", _port(port), ("ports", key))
            else:
                self._append(body, "expose", _exposed(port), ("ports", key, "target"))

    def volumes(self, body: dict[str, Json], volumes: Mapping[str, JsonMap]) -> None:
        for key, volume in sorted(volumes.items()):
            kind = volume.get("type", "volume")
            mount = {"type": kind, **composed(volume)}
            if kind == "volume":
                mount.setdefault("source", key)
            elif kind == "bind":
                mount["source"] = from_root(self._names.root, mount["source"])
            self._append(body, "volumes", mount, ("volumes", key))

    def configs(self, body: dict[str, Json], configs: Mapping[str, JsonMap]) -> None:
        for key, config in sorted(configs.items()):
            mount = {"target": f"/{key}", **_mount(config), "source": self._names.configs[key]}
            self._append(body, "configs", mount, ("configs", key))

    def mounted_secrets(self, body: dict[str, Json], secrets: Mapping[str, JsonMap]) -> None:
        for index, (key, secret) in enumerate(sorted(secrets.items())):
            self._append(body, "secrets", {**_mount(secret), "source": key}, ("secrets", key))
            self.secrets[dotted(("secrets", str(index), "source"))] = key

    def networks(self, body: dict[str, Json], networks: Mapping[str, JsonMap]) -> None:
        body["networks"] = {key: composed(network or {}) for key, network in networks.items()}

    def depends_on(self, body: dict[str, Json], others: Mapping[str, JsonMap]) -> None:
        body["depends_on"] = {
            key: {"condition": "service_started", **composed(other or {})} for key, other in others.items()
        }

    def _append(self, body: dict[str, Json], word: str, entry: Json, declared: tuple[str, ...]) -> None:
        entries = body.setdefault(word, [])
        self.sources.append((dotted((word, str(len(entries)))), dotted((*self._declared, *declared))))
        entries.append(entry)


_WRITERS: Mapping[str, Callable[[_Writer, dict[str, Json], Json], None]] = {
    "image": _Writer.image,
    "environment": _Writer.environment,
    "ports": _Writer.ports,
    "volumes": _Writer.volumes,
    "configs": _Writer.configs,
    "secrets": _Writer.mounted_secrets,
    "networks": _Writer.networks,
    "depends_on": _Writer.depends_on,
}


def _port(port: JsonMap) -> dict[str, Json]:
    """A published port; compose takes a random one where it is not told which."""
    entry = {word: composed(value) for word, value in port.items() if word != "published"}
    return entry if port["published"] == "auto" else {**entry, "published": text(port["published"])}


def _exposed(port: JsonMap) -> str:
    protocol = port.get("protocol", "tcp")
    return f"{port['target']}" if protocol == "tcp" else f"{port['target']}/{protocol}"


def _mount(words: JsonMap | None) -> dict[str, Json]:
    mount: dict[str, Json] = composed(words or {})
    return mount
