"""releases: what is registered, and how far each has come."""

from collections.abc import Iterable

from releaser.model.build import BuildLog
from releaser.model.documents import Reached, RegisteredRelease, Releases
from releaser.model.errors import UnknownName
from releaser.model.release import Release
from releaser.operations.images import known_release
from releaser.operations.workspace import Workspace, environments
from releaser.planning.wording import listed as listed_words
from releaser.ports import DeliveryQuery


def listed(ws: Workspace, limit: int | None = None) -> Releases:
    """All, or so many, newest first."""
    return Releases(releases=tuple(_registered(ws, ws.history.releases()[:limit])))


def shown(ws: Workspace, version: str) -> RegisteredRelease:
    """One release. Raises UnknownName."""
    return next(iter(_registered(ws, (known_release(ws, version),))))


def log_of(ws: Workspace, version: str, image: str) -> BuildLog:
    """What an image's build printed. Raises UnknownName where nothing is kept of it."""
    release = known_release(ws, version)
    built = {name: one.source.log for name, one in release.images.items() if one.source and one.source.log}
    if image not in built:
        known = f"it has logs of {listed_words(sorted(built))}" if built else "`release build` built none of its images"
        raise UnknownName(f"{version} has no log of {image}", hint=known)
    return BuildLog(release=version, image=image, log=ws.history.log(built[image]))


def _registered(ws: Workspace, releases: Iterable[Release]) -> Iterable[RegisteredRelease]:
    heads = ws.history.heads()
    names = environments(ws) if heads else ()
    for release in releases:
        reached = []
        for name in names:
            if name not in heads:
                continue
            standing = ws.history.standing(name, release.version)
            current = heads[name].current
            runs = current is not None and current.release == release.version
            if standing.proven is not None or runs or standing.rolled_back is not None:
                reached.append(
                    Reached(
                        environment=name,
                        proven=standing.proven is not None,
                        current=runs,
                        revision=standing.proven or _newest(ws, name, release.version),
                    )
                )
        yield RegisteredRelease(release=release, reached=tuple(reached))


def _newest(ws: Workspace, environment: str, version: str) -> int | None:
    query = DeliveryQuery(environments=(environment,), release=version, status="succeeded", limit=1)
    found = ws.history.deliveries(query)
    return found[0].revision if found else None
