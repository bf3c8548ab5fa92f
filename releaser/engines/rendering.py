"""What every engine's `render` does alike: names by content, references to secrets, problems by place."""

import base64
from collections.abc import Iterable, Iterator, Mapping

from releaser.engines import vocabulary
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.release import Release
from releaser.model.resource import Resource
from releaser.model.value import Json, JsonMap, dotted
from releaser.planning import fingerprint


def resource(name: str, body: Json, secrets: Mapping[str, str] | None = None) -> Resource:
    """A resource with its fingerprint."""
    return Resource(id=name, body=body, fingerprint=fingerprint.of(body), secrets=secrets or {})


def problem(environment: Environment, message: str, hint: str, path: tuple[str, ...] = ()) -> Problem:
    """What an engine cannot do, with the place of `path` in the declarations."""
    places = environment.locate(*path) if path else ()
    return Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=places)


Place = tuple[str, ...]


def refused_words(
    environment: Environment, engine: tuple[str, str], table: vocabulary.Table, at: Place, words: JsonMap
) -> Iterator[Problem]:
    """What the table refuses of what is declared `at` a place; `engine`: its kind, and what a person calls it."""
    kind, title = engine
    for use in vocabulary.refused(table, kind, words):
        message = f"{title} does not take `{dotted(use.path)}`: {use.cell.refused}"
        yield problem(environment, message, use.cell.instead, (*at, *use.path))


def missing_images(environment: Environment, release: Release) -> Iterator[Problem]:
    """The services whose image the release does not have."""
    for name, words in environment.services.items():
        if words["image"] not in release.images:
            message = f"the release {release.version} has no image `{words['image']}`"
            hint = "it was registered before the image was declared: create another release"
            yield problem(environment, message, hint, ("services", name, "image"))


def secrets_in_variables(words: JsonMap) -> Iterable[str]:
    """The secrets that a service's environment variables refer to."""
    variables: Mapping[str, Json] = words.get("environment", {})
    return (value["secret"] for value in variables.values() if isinstance(value, Mapping))


def unused_words(services: Mapping[str, JsonMap], kind: str, where: str) -> Iterator[str]:
    """The words that an engine has no use for, in one line; `where` names it."""
    found: dict[str, list[str]] = {}
    for name, words in sorted(services.items()):
        for use in vocabulary.without_effect(vocabulary.SERVICE, kind, words):
            found.setdefault(dotted(use.path), []).append(name)
    if found:
        told = ", ".join(f"{word} ({', '.join(names)})" for word, names in sorted(found.items()))
        yield f"without effect in {where}: {told}"


def content(config: JsonMap) -> dict[str, Json]:
    """A config's body: its text, or the base64 of what is none."""
    return {word: config[word] for word in ("content", "base64") if word in config}


def content_bytes(config: JsonMap) -> bytes:
    """What is in a config."""
    return base64.b64decode(config["base64"]) if "base64" in config else str(config["content"]).encode()


def content_name(name: str, config: JsonMap) -> str:
    """A config's name by content: `app.1f2e3d4c5b6a`."""
    return f"{name}.{fingerprint.of_bytes(content_bytes(config)).removeprefix('sha256:')[:12]}"


def text(value: Json) -> str:
    """A scalar as a text, as it stands in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
