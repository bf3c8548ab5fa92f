"""A declared service as Compose wants it: maps of named things become lists, names become references."""

import posixpath
from collections.abc import Callable, Mapping

from releaser.model.value import Json, JsonMap, Value, dotted

Sources = list[tuple[str, str]]


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


def escaped(tree: Json) -> Json:
    """The tree with every `$` in its values doubled, which compose takes for one."""
    if isinstance(tree, str):
        return tree.replace("$", "$$")
    if isinstance(tree, Mapping):
        return {key: escaped(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [escaped(value) for value in tree]
    return tree


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
        self.sources: Sources = [("", dotted(self._declared))]

    def body(self, words: JsonMap) -> dict[str, Json]:
        """The whole mapping."""
        body: dict[str, Json] = {}
        for word, value in words.items():
            write = _WRITERS.get(word)
            if write is None:
                body[word] = escaped(value)
            else:
                write(self, body, value)
        return body

    def image(self, body: dict[str, Json], _name: str) -> None:
        body["image"] = self._names.image

    def environment(self, body: dict[str, Json], variables: JsonMap) -> None:
        body["environment"] = {key: self._variable(key, value) for key, value in variables.items()}

    def _variable(self, key: str, value: Json) -> str:
        if not isinstance(value, Mapping):
            return _text(value).replace("$", "$$")
        secret = value["secret"]
        self.secrets[dotted(("environment", key))] = secret
        return "${%s:?secret %s is not set}" % (self._names.variables[secret], secret)  # noqa: UP031 - braces are text here

    def ports(self, body: dict[str, Json], ports: Mapping[str, JsonMap]) -> None:
        inside = {key: port for key, port in ports.items() if "published" not in port}
        for key, port in inside.items():
            protocol = port.get("protocol", "tcp")
            exposed = f"{port['target']}" if protocol == "tcp" else f"{port['target']}/{protocol}"
            self._append(body, "expose", exposed, ("ports", key, "target"))
        for key, port in ports.items():
            if key not in inside:
                self._append(body, "ports", _port(port), ("ports", key))

    def volumes(self, body: dict[str, Json], volumes: Mapping[str, JsonMap]) -> None:
        for key, volume in volumes.items():
            kind = volume.get("type", "volume")
            mount = {"type": kind, **escaped(volume)}
            if kind == "volume":
                mount.setdefault("source", key)
            elif kind == "bind":
                mount["source"] = from_root(self._names.root, mount["source"])
            self._append(body, "volumes", mount, ("volumes", key))

    def configs(self, body: dict[str, Json], configs: Mapping[str, JsonMap]) -> None:
        for key, config in configs.items():
            mount = {"target": f"/{key}", **_mount(config), "source": self._names.configs[key]}
            self._append(body, "configs", mount, ("configs", key))

    def mounted_secrets(self, body: dict[str, Json], secrets: Mapping[str, JsonMap]) -> None:
        for index, (key, secret) in enumerate(secrets.items()):
            self._append(body, "secrets", {**_mount(secret), "source": key}, ("secrets", key))
            self.secrets[dotted(("secrets", str(index), "source"))] = key

    def networks(self, body: dict[str, Json], networks: Mapping[str, JsonMap]) -> None:
        body["networks"] = {key: escaped(network or {}) for key, network in networks.items()}

    def depends_on(self, body: dict[str, Json], others: Mapping[str, JsonMap]) -> None:
        body["depends_on"] = {
            key: {"condition": "service_started", **escaped(other or {})} for key, other in others.items()
        }

    def labels(self, body: dict[str, Json], labels: JsonMap) -> None:
        body["labels"] = {key: escaped(_text(value)) for key, value in labels.items()}

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
    "labels": _Writer.labels,
}


def _port(port: JsonMap) -> dict[str, Json]:
    """A published port; compose takes a random one where it is not told which."""
    entry = {word: escaped(value) for word, value in port.items() if word != "published"}
    return entry if port["published"] == "auto" else {**entry, "published": _text(port["published"])}


def _mount(words: JsonMap | None) -> dict[str, Json]:
    """How a config or secret is mounted; compose takes a mode in quotes for a decimal number."""
    mount: dict[str, Json] = escaped(words or {})
    if isinstance(mount.get("mode"), str):
        mount["mode"] = int(mount["mode"], 8)
    return mount


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
