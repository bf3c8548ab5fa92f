"""Pushing an image of an engine, by the engine's own API, with the logins that the docker command has."""

import re
from collections.abc import Generator, Iterator
from contextlib import closing

from releaser.engines.moby.client import Client, Refused
from releaser.engines.moby.pulls import Failed, events, follow
from releaser.model.errors import BuildFailed
from releaser.model.image import Digest
from releaser.ports.building import Tell

_STATUS = re.compile(r"\S+: digest: (sha256:[0-9a-f]{64}) size: [0-9]+")
"""An engine that keeps images in containerd has the digest in its words alone."""


def push(client: Client, image_id: Digest, repository: str, tag: str, tell: Tell) -> Digest:
    """The digest that the registry has it under. Raises BuildFailed, EngineUnreachable."""
    place = f"{repository}:{tag}"
    try:
        client.call("POST", f"/images/{image_id}/tag", params={"repo": repository, "tag": tag})
        found = _pushed(client, place, repository, tag, tell)
        ours = found is None or _is(client, image_id, found)
    except (Refused, Failed) as failed:
        words = getattr(failed, "message", None) or str(failed)
        raise BuildFailed(
            f"{place} is not pushed: {words}", hint=f"log in, or see who may push there: docker push {place}"
        ) from failed
    if found is None:
        raise BuildFailed(f"{place} was pushed, and the registry gave no digest for it")
    if not ours:
        raise BuildFailed(
            f"{place} is another image by now: somebody pushed one under that name at the same time",
            hint="build again when that has ended; nothing is registered",
        )
    return found


def _is(client: Client, image_id: Digest, pushed: Digest) -> bool:
    """Whether what was pushed is the image: a push names a tag, which may have moved since it was set."""
    if image_id == pushed:  # an engine that keeps images in containerd
        return True
    digests = client.call("GET", f"/images/{image_id}/json").get("RepoDigests") or ()
    return any(one.rpartition("@")[2] == pushed for one in digests)


def _pushed(client: Client, place: str, repository: str, tag: str, tell: Tell) -> Digest | None:
    digests: list[str] = []

    def noted(lines: Generator[bytes | None]) -> Iterator[bytes | None]:
        for line in lines:
            for event in events([line]):
                aux = event.get("aux")
                if isinstance(aux, dict) and "Digest" in aux:
                    digests.append(aux["Digest"])
                elif said := _STATUS.fullmatch(str(event.get("status", ""))):
                    digests.append(said[1])
            yield line

    headers = client.auth(place) or {"X-Registry-Auth": "e30="}  # an empty login: the API wants the header
    lines = client.lines("POST", f"/images/{repository}/push", params={"tag": tag}, headers=headers, timeout=300.0)
    with closing(lines):
        follow(noted(lines), lambda text: tell(text.replace("pulling", "pushing")))
    return digests[-1] if digests else None
