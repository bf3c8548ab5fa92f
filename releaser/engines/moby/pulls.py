"""Pulling an image by its digest: what is there already is not pulled again, and what is refused is said in words."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from releaser.engines.moby import platforms
from releaser.engines.moby.errors import Refused
from releaser.model.errors import ApplyFailed
from releaser.model.value import JsonMap

if TYPE_CHECKING:
    from releaser.engines.moby.client import Client

Tell = Callable[[str], None]


class Failed(Exception):
    """The pull ended with these words of the engine's."""


_ONE_PLATFORM = "cannot overwrite digest"  # the words of an image store that keeps one platform of an index
_OTHER_PLATFORM = "does not match the specified platform"  # it was pulled all the same

_SILENCE = 300.0  # seconds without a word after which a pull is given up: a large layer is unpacked in silence


def pull(engine: "Client", reference: str, platform: str | None, tell: Tell) -> JsonMap:
    """An image's inspection, pulled where it is not there, or there for another platform only. Raises ApplyFailed."""
    wanted = platform or platforms.of_engine(engine.info())
    found = _inspected(engine, reference)
    if found is not None and platforms.serves(platforms.of_image(found), wanted):
        return found
    failed = _pull(engine, reference, platform, tell)
    found = _inspected(engine, reference)
    have = platforms.of_image(found) if found else ""
    if failed and found and _ONE_PLATFORM in str(failed).lower():
        raise ApplyFailed(
            f"the engine has {reference} for {have} and cannot keep it for {wanted} beside that: {failed}",
            hint=f"docker image rm {reference}, or let the engine keep images in containerd",
        ) from failed
    if failed and _OTHER_PLATFORM not in str(failed).lower():
        raise explained(str(failed), reference) from failed
    if found is None:
        raise ApplyFailed(
            f"the engine pulled {reference} and does not have it", hint="see what it has: docker images --digests"
        )
    if not platforms.serves(have, wanted):
        raise ApplyFailed(
            f"{reference} is for {have}, and {wanted} is needed",
            hint="build it for that platform and push an index of both, or correct `platforms`",
        ) from failed
    return found


def registry_of(reference: str) -> str:
    """The registry that an image is pulled from: `registry.example.com:5000`, or `docker.io` where none is named."""
    first, slash, _ = reference.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    return "docker.io" if not named or first == "index.docker.io" else first


def _inspected(engine: "Client", reference: str) -> JsonMap | None:
    try:
        found: JsonMap = engine.call("GET", f"/images/{reference}/json")
    except Refused as refused:
        if refused.status != 404:
            raise ApplyFailed(f"the engine does not say whether it has {reference}: {refused.message}") from refused
        return None
    return found if has(found, reference) else None


def _pull(engine: "Client", reference: str, platform: str | None, tell: Tell) -> Refused | Failed | None:
    """Why the engine did not; None where it did."""
    params = {"fromImage": reference, "platform": platform}
    headers = engine.auth(reference)
    try:
        with closing(engine.lines("POST", "/images/create", params=params, headers=headers, timeout=_SILENCE)) as lines:
            follow(lines, tell)
    except (Refused, Failed) as failed:
        return failed
    return None


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


def follow(lines: Iterable[bytes | None], tell: Tell) -> None:
    """Read a pull's stream to its end. Raises Failed with the engine's words."""
    layers: dict[str, str] = {}
    for event in events(lines):
        if "error" in event or "errorDetail" in event:
            raise Failed(str((event.get("errorDetail") or {}).get("message") or event.get("error")))
        name, status = event.get("id"), event.get("status")
        if name and status and not status.startswith("Pulling from"):
            layers[name] = status
        done = sum(status in _DONE for status in layers.values())
        tell(f"pulling, {done}/{len(layers)} layers" if layers else "pulling")


def explained(words: str, reference: str) -> ApplyFailed:
    """Why a pull failed and what to do, beside the engine's own words."""
    lower, host = words.lower(), registry_of(reference)
    api = "registry-1.docker.io" if host == "docker.io" else host
    for signs, message, hint in _CAUSES:
        if any(sign in lower for sign in signs):
            said = message.replace("{image}", reference).replace("{words}", words)
            return ApplyFailed(said, hint=hint.replace("{host}", host).replace("{api}", api))
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
        "make room on the engine's host, for instance with docker image prune, then deliver again",
    ),
    (
        ("no matching manifest", "no match for platform", _OTHER_PLATFORM, "does not provide the specified platform"),
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
        "see from the engine's host: curl https://{api}/v2/",
    ),
)


def events(lines: Iterable[bytes | None]) -> Iterator[JsonMap]:
    """What an engine tells line by line; an empty one while it says nothing, and none for a line that is no JSON."""
    for line in lines:
        try:
            event = json.loads(line or b"{}")
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _familiar(repository: str) -> str:
    """A repository as the engine lists it: Docker Hub's without its host."""
    for prefix in ("docker.io/", "index.docker.io/"):
        repository = repository.removeprefix(prefix)
    return repository.removeprefix("library/")
