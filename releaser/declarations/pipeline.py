"""`envs/pipeline.yaml` → the pipeline, and what its schema cannot say about it."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

import durationpy
import msgspec

from releaser.declarations.build_problems import PATH_TRICK, build_problems, builder_problems
from releaser.declarations.problems import problem, suggestion
from releaser.model.build import Build, BuilderSettings, Package, Recipe
from releaser.model.environment import Pipeline, PipelineEntry, RegistrySettings, Upstream
from releaser.model.errors import Problem
from releaser.model.image import Image
from releaser.model.tree import MAP, Node, plain

FILE = "envs/pipeline.yaml"
DEFAULT_PLATFORMS = ("linux/amd64",)
DEFAULT_TIMEOUT = 1200.0
"""Seconds that a build takes at most."""

_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_HOST}(?:/{_PART})+\Z")


def pipeline(root: Node) -> tuple[Pipeline, tuple[Problem, ...]]:
    """The pipeline of a document that its schema accepts, and what else is wrong with it."""
    values = root.value
    platforms = _texts(values.get("platforms")) or DEFAULT_PLATFORMS
    built = _built_platforms(values)
    images = {name: _image(name, node, root) for name, node in _map(values.get("images")).items()}
    entries = {
        name: _entry(name, node, platforms, values["environments"])
        for name, node in _map(values.get("environments")).items()
    }
    made = Pipeline(
        project=values["project"].value,
        images=images,
        registries={name: _registry(node) for name, node in _map(values.get("registries")).items()},
        history=values["history"].value if "history" in values else None,
        builds={name: _build(name, node, root, built) for name, node in _map(values.get("builds")).items()},
        builder=_builder(values.get("builder")),
        environments=entries,
    )
    return made, (
        *_image_problems(root),
        *build_problems(made, root),
        *builder_problems(made, root),
        *_entry_problems(made, root),
    )


def seconds(text: str) -> float:
    """A time span of the declarations in seconds; the schema has checked its form."""
    return float(durationpy.from_str(text).total_seconds())


def _map(node: Node | None) -> Mapping[str, Node]:
    return node.value if node is not None and node.kind == MAP else {}


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(item.value for item in node.value) if node is not None else ()


def _image(name: str, node: Node, root: Node) -> Image:
    place = root.value["images"].key_location(name)
    if node.kind != MAP:
        return Image(name=name, repository=node.value, location=place)
    words = plain(node)
    return Image(
        name=name,
        repository=words["repository"],
        source=words.get("source"),
        digest=words.get("digest"),
        location=place,
    )


def _built_platforms(values: Mapping[str, Node]) -> tuple[str, ...]:
    """Every platform that is declared somewhere: one digest goes everywhere."""
    entries = (_map(node).get("platforms") for node in _map(values.get("environments")).values())
    return tuple(dict.fromkeys(name for node in (values.get("platforms"), *entries) for name in _texts(node)))


def _build(name: str, node: Node, root: Node, platforms: tuple[str, ...]) -> Build:
    words = plain(node)
    args = words.get("args", {})
    return Build(
        image=name,
        context=words.get("context"),
        package=msgspec.convert(words["package"], Package) if "package" in words else None,
        recipe=msgspec.convert(words, Recipe) if "base" in words else None,
        dockerfile=posixpath.normpath(words.get("dockerfile", "Dockerfile")),  # as builders and .dockerignore know it
        args={key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in args.items()},
        target=words.get("target"),
        network=words.get("network"),
        secrets=words.get("secrets", {}),
        ssh=tuple(words.get("ssh", ())),
        labels=words.get("labels", {}),
        platforms=platforms,
        provenance=_attested(words.get("provenance")),
        sbom=_attested(words.get("sbom")),
        timeout=seconds(words["timeout"]) if "timeout" in words else DEFAULT_TIMEOUT,
        location=root.value["builds"].key_location(name),
    )


def _attested(word: bool | str | None) -> str | None:
    return "true" if word is True else word or None


def _builder(node: Node | None) -> BuilderSettings:
    words = plain(node) if node is not None else {}
    if "ready_timeout" in words:
        words["ready_timeout"] = seconds(words["ready_timeout"])
    return msgspec.convert(words, BuilderSettings)


def _registry(node: Node) -> RegistrySettings:
    words = plain(node)
    return RegistrySettings(ca=words.get("ca"), insecure=words.get("insecure", False), auth=words.get("auth"))


def _entry(name: str, node: Node, platforms: tuple[str, ...], environments: Node) -> PipelineEntry:
    words: Mapping[str, Node] = _map(node)
    return PipelineEntry(
        name=name,
        layers=_texts(words.get("layers")),
        upstream=_upstream(words["from"]) if "from" in words else None,
        soak=seconds(words["soak"].value) if "soak" in words else None,
        confirm=words["confirm"].value if "confirm" in words else None,
        platforms=_texts(words.get("platforms")) or platforms,
        location=environments.key_location(name),
    )


def _upstream(node: Node) -> Upstream:
    if node.kind != MAP:
        return Upstream(mode="all", environments=(node.value,))
    ((mode, names),) = node.value.items()
    return Upstream(mode=mode, environments=_texts(names))


# --- what the schema cannot say ---


def _image_problems(root: Node) -> Iterator[Problem]:
    for node in _map(root.value.get("images")).values():
        words = _map(node)
        yield from _repository_problems(words.get("repository", node))
        source = words.get("source")
        if source is None:
            continue
        path = source.value.removeprefix("oci:")
        if path == source.value:
            yield from _repository_problems(source)
        elif not path or PATH_TRICK.search(path):
            yield problem(f"`{source.value}` is not a path below the root", "write `oci:images/api`", source.location)


def _repository_problems(node: Node) -> Iterator[Problem]:
    name = node.value
    if _REPOSITORY.match(name) and _names_host(name):
        return
    yield problem(f"`{name}` is not a repository", _repository_hint(name), node.location)


def _names_host(name: str) -> bool:
    host = name.partition("/")[0]
    return "." in host or ":" in host or host == "localhost"


def _repository_hint(name: str) -> str:
    last = name.rpartition("/")[2]
    if "@" in last:
        return "write the repository alone, and the digest as `digest: sha256:…` beside it"
    if ":" in last and "/" in name:
        return "write the repository without a tag: the tag is the release's name"
    if name != name.lower():
        return f"repositories are lower case: `{name.lower()}`"
    if re.fullmatch(_PART, name):
        return f"name its registry too: `docker.io/library/{name}`"
    if re.fullmatch(rf"{_PART}(?:/{_PART})+", name):
        return f"name its registry too: `docker.io/{name}`"
    return "write it as `registry.example.com/shop/api`"


def _entry_problems(made: Pipeline, root: Node) -> Iterator[Problem]:
    for name, entry in made.environments.items():
        node = root.value["environments"].value[name]
        yield from _layer_problems(name, entry, node)
        if entry.upstream is not None:
            yield from _upstream_problems(entry.upstream, made, node.value["from"])
        elif entry.soak is not None:
            hint = "soak is the time in the environments of `from`; add `from`"
            yield problem("`soak` without `from`", hint, node.key_location("soak"))
    yield from _circle_problems(made, root)


def _layer_problems(name: str, entry: PipelineEntry, node: Node) -> Iterator[Problem]:
    seen: set[str] = set()
    for layer, written in zip(entry.layers, node.value["layers"].value if entry.layers else (), strict=True):
        if layer == name:
            hint = f"leave it out: `envs/{name}.yaml` is always the last layer"
            yield problem(f"`{name}` is its own layer", hint, written.location)
        elif layer in seen:
            yield problem(f"the layer `{layer}` stands twice", "keep one of them", written.location)
        seen.add(layer)


def _upstream_problems(upstream: Upstream, made: Pipeline, node: Node) -> Iterator[Problem]:
    written = [node] if node.kind != MAP else next(iter(node.value.values())).value
    for up, item in zip(upstream.environments, written, strict=True):
        if up not in made.environments:
            yield problem(f"no environment `{up}`", suggestion(up, made.environments), item.location)


def _circle_problems(made: Pipeline, root: Node) -> Iterator[Problem]:
    def upstream(name: str) -> tuple[str, ...]:
        entry = made.environments.get(name)
        return entry.upstream.environments if entry is not None and entry.upstream is not None else ()

    for circle in circles(made.environments, upstream):
        place = root.value["environments"].value[circle[0]].value["from"].location
        text = " → ".join((*circle, circle[0]))
        yield problem(f"`from` leads in a circle: {text}", "let one of them be an entry, without `from`", place)


def circles(names: Mapping[str, object], after: Callable[[str], tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The circles in which names follow each other, each once."""
    done: set[str] = set()
    for start in names:
        # The way from the start to where we are: each name with the followers that are still to be looked at.
        way: dict[str, Iterator[str]] = {} if start in done else {start: iter(after(start))}
        while way:
            name = next(reversed(way))
            follower = next(way[name], None)
            if follower is None:
                done.add(name)
                del way[name]
            elif follower in way:
                names_on_it = list(way)
                yield tuple(names_on_it[names_on_it.index(follower) :])
            elif follower not in done:
                way[follower] = iter(after(follower))
