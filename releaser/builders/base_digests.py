"""Which base images a build began with, by digest: what the builder told, else what its engine has of that name."""

import re
from collections.abc import Iterable

import msgspec

from releaser.builders.buildkit_trace import Vertex
from releaser.engines.moby.client import Client
from releaser.engines.moby.errors import Refused
from releaser.model.build import Built
from releaser.model.image import Digest, named, pinned_in
from releaser.model.value import JsonMap

_FROM = re.compile(r"\[.*\] FROM (\S+)@(sha256:[0-9a-f]{64})\Z")


def told(vertices: Iterable[Vertex]) -> dict[tuple[str, str], Digest]:
    """(repository, tag) → the digest that BuildKit resolved it to; of what it fetched, not of what the engine had."""
    found = (_FROM.match(vertex.name) for vertex in vertices)
    return {named(match[1]): match[2] for match in found if match is not None}


def with_local(client: Client, built: Built) -> Built:
    """The result with the digests of those bases, too, that the engine had. Raises EngineUnreachable."""
    bases = {base: digest or _of_engine(client, base) for base, digest in built.bases.items()}
    return msgspec.structs.replace(built, bases=bases)


def known(bases: Iterable[str], resolved: dict[tuple[str, str], Digest]) -> dict[str, Digest | None]:
    """Base, as a Dockerfile names it → its digest, where that is written there or was told."""
    return {base: pinned_in(base) or resolved.get(named(base)) for base in bases}


def _of_engine(client: Client, base: str) -> Digest | None:
    """None where the engine does not have it, or it never was in a registry."""
    try:
        inspected: JsonMap = client.call("GET", f"/images/{base}/json")
    except Refused:
        return None
    repository, _ = named(base)
    digests = {
        digest
        for name, _, digest in (one.partition("@") for one in inspected.get("RepoDigests") or ())
        if named(name)[0] == repository
    }
    return digests.pop() if len(digests) == 1 else None
