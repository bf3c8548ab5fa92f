"""Pulling an image by its digest: what is there already is not pulled again, and what is refused is said in words."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from releaser.model.errors import ApplyFailed
from releaser.model.value import JsonMap

Tell = Callable[[str], None]


def has(inspected: JsonMap, reference: str) -> bool:
    """Whether an image's inspection says that it is the one that was asked for.

    A pull by an index leaves two digests, and an image's id is a digest of another kind: neither is compared.
    """
    repository, _, digest = reference.partition("@")
    wanted = f"{_familiar(repository)}@{digest}"
    return any(
        f"{_familiar(name)}@{found}" == wanted
        for name, _, found in (one.partition("@") for one in inspected.get("RepoDigests") or [])
    )


def follow(lines: Iterable[bytes], tell: Tell) -> None:
    """Read a pull's stream to its end. Raises Failed with the engine's words."""
    layers: dict[str, str] = {}
    for event in _events(lines):
        if "error" in event or "errorDetail" in event:
            raise Failed(str((event.get("errorDetail") or {}).get("message") or event.get("error")))
        name, status = event.get("id"), event.get("status")
        if name and status:
            layers[name] = status
        done = sum(status in _DONE for status in layers.values())
        tell(f"pulling, {done}/{len(layers)} layers" if layers else "pulling")


class Failed(Exception):
    """The pull ended with these words of the engine's."""


def explained(words: str, reference: str, host: str) -> ApplyFailed:
    """Why a pull failed and what to do, beside the engine's own words."""
    lower = words.lower()
    for signs, message, hint in _CAUSES:
        if any(sign in lower for sign in signs):
            return ApplyFailed(message.format(image=reference, words=words), hint=hint.format(host=host))
    return ApplyFailed(f"{reference} cannot be pulled: {words}", hint=f"docker pull {reference}")


_DONE = ("Pull complete", "Already exists")

_CAUSES = (
    (
        ("no basic auth credentials", "unauthorized", "authentication required", "denied", "incorrect username"),
        "the registry refuses to give {image} with the login known here: {words}",
        "docker login {host}, as the user who delivers",
    ),
    (
        ("no space left on device", "disk quota exceeded"),
        "the engine's disk is full while it pulls {image}: {words}",
        "make room on the engine's host, for instance with docker image prune, then go on with `release resume`",
    ),
    (
        ("no matching manifest", "does not match the specified platform", "does not provide the specified platform"),
        "{image} has no image for the engine's platform: {words}",
        "build it for that platform, or name the platforms that the environment runs on: platforms: […]",
    ),
    (
        ("not found", "no such image", "manifest unknown", "does not exist"),
        "the registry has no {image}: {words}",
        "see whether it was removed there; a release needs its images for as long as it is delivered",
    ),
    (
        (
            "connection refused",
            "no such host",
            "i/o timeout",
            "timeout",
            "deadline exceeded",
            "network is unreachable",
            "no route to host",
            "server gave http response to https client",
            "certificate",
            "x509",
            "eof",
        ),
        "the engine does not reach the registry of {image}: {words}",
        "see from the engine's host: curl https://{host}/v2/",
    ),
)


def _events(lines: Iterable[bytes]) -> Iterator[JsonMap]:
    for line in lines:
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _familiar(repository: str) -> str:
    """A repository as the engine lists it: Docker Hub's without its host."""
    for prefix in ("docker.io/", "index.docker.io/"):
        repository = repository.removeprefix(prefix)
    return repository.removeprefix("library/")
