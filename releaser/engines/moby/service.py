"""A declared service, completed: names become real names, the image a digest; the words stay Compose's."""

from collections.abc import Callable, Iterator, Mapping

from releaser.engines.moby import names
from releaser.engines.moby import words as api
from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap, Value, dotted

COMPLETED = "service_completed_successfully"
JOB = "replicated-job"


class Names(Value, frozen=True, kw_only=True):
    """What the names in a service stand for in the engine."""

    image: str  # repository@digest
    release: str  # its version
    networks: Mapping[str, str]  # declared name → real name
    volumes: Mapping[str, str]
    configs: Mapping[str, str]  # declared name → its name by content


class Rendered(Value, frozen=True, kw_only=True):
    """A service's body, the secrets that it refers to by path, and where its parts were declared."""

    body: JsonMap
    secrets: Mapping[str, str]
    sources: tuple[tuple[str, str], ...]


def service(name: str, words: JsonMap, known: Names, *, job: bool, ignore: tuple[str, ...] = ()) -> Rendered:
    """The service's resource. A job's body names the release: it runs again for another one."""
    body: dict[str, Json] = {word: _without_floats(value) for word, value in words.items()}
    body["image"] = known.image
    if "network_mode" not in words and not words.get("networks"):
        body["networks"] = {names.DEFAULT_NETWORK: {}}
    for word, complete in _COMPLETED.items():
        if word in body:
            body[word] = {key: complete(key, value, known) for key, value in body[word].items()}
    if job:
        body |= {"deploy": {**body.get("deploy", {}), "mode": _job_mode(words)}, "release": known.release}
    if ignore:
        body["ignore"] = sorted(ignore)
    return Rendered(body=body, secrets=_references(body), sources=tuple(_sources(name, words)))


def _references(body: JsonMap) -> dict[str, str]:
    variables = body.get("environment", {}).items()
    found = {dotted(("environment", key)): value["secret"] for key, value in variables if isinstance(value, Mapping)}
    return found | {dotted(("secrets", key)): key for key in body.get("secrets", {})}


def _sources(name: str, words: JsonMap) -> Iterator[tuple[str, str]]:
    yield "", dotted(("services", name))
    for key in sorted(words.get("configs", {})):  # another content is another name
        yield dotted(("configs", key, "name")), dotted(("configs", key))


def _without_floats(tree: Json) -> Json:
    """Numbers that JSON could spell in several ways become texts."""
    kind = tree.__class__  # of many small values: isinstance() with an abstract class takes its time
    if kind is dict:
        return {key: _without_floats(value) for key, value in tree.items()}
    if kind is list:
        return [_without_floats(value) for value in tree]
    return str(tree) if kind is float else tree


def _variable(_key: str, value: Json, _known: Names) -> Json:
    return {"secret": value["secret"]} if isinstance(value, Mapping) else text(value)


def _network(key: str, joined: JsonMap | None, known: Names) -> Json:
    return {**(joined or {}), "name": known.networks[key]}


def _mount(key: str, mount: JsonMap, known: Names) -> Json:
    found = {"type": "volume", **mount}
    if found["type"] == "volume":
        found["source"] = known.volumes[mount.get("source", key)]
    return found


def _config(key: str, mount: JsonMap | None, known: Names) -> Json:
    return {**(mount or {}), "name": known.configs[key]}


def _secret(_key: str, mount: JsonMap | None, _known: Names) -> Json:
    return dict(mount or {})


def _dependency(_key: str, one: JsonMap | None, _known: Names) -> Json:
    return {"condition": "service_started", **(one or {})}


_COMPLETED: Mapping[str, Callable[[str, Json, Names], Json]] = {
    "environment": _variable,
    "networks": _network,
    "volumes": _mount,
    "configs": _config,
    "secrets": _secret,
    "depends_on": _dependency,
}


def _job_mode(words: JsonMap) -> str:
    mode: str = words.get("deploy", {}).get("mode", "")
    return mode if mode.endswith("-job") else JOB


# --- jobs ---


def awaited(services: Mapping[str, JsonMap]) -> dict[str, str]:
    """The services that another one awaits until they have ended well, with one that does."""
    return {
        other: name
        for name, words in sorted(services.items())
        for other, dependency in words.get("depends_on", {}).items()
        if (dependency or {}).get("condition") == COMPLETED and other in services
    }


def jobs(services: Mapping[str, JsonMap]) -> frozenset[str]:
    """The services that run once for each release: another awaits their end, or they say so themselves."""
    said = {name for name, words in services.items() if words.get("deploy", {}).get("mode", "").endswith("-job")}
    return frozenset(said | {name for name in awaited(services) if not runs_on(services[name])})


def lenders(words: JsonMap) -> dict[str, str]:
    """The words by which the service shares what another one has, with that one's name: `network_mode: service:db`."""
    found = {}
    for word in ("network_mode", "pid", "ipc"):
        kind, _, other = str(words.get(word, "")).partition(":")
        if kind == "service":
            found[word] = other
    return found


def needed(words: JsonMap) -> list[str]:
    """The services that come before this one."""
    return sorted({*words.get("depends_on", {}), *lenders(words).values()})


def runs_on(words: JsonMap) -> bool:
    """Whether a container that ended is always started again, so that the service never ends."""
    found = api.restarting(words)
    return found is not None and found.condition == "any"
