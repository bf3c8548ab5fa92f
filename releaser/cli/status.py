"""status: what runs where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

import typer

from releaser.cli import errors
from releaser.cli.environments import chosen
from releaser.cli.invocation import Invocation
from releaser.cli.options import ManyEnvironments
from releaser.cli.show_status import Surroundings, show_status
from releaser.model.delivery import RUNNING
from releaser.model.documents import Status
from releaser.model.environment import PipelineEntry
from releaser.model.errors import ReleaseError
from releaser.operations import lock, status
from releaser.operations.workspace import Workspace
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(ManyEnvironments):
    """Show what runs where.

    Services and environments, from the record. With --live the engines are asked too: is everything ready, and did
    anything drift.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "name")

    live: Annotated[bool, typer.Option("--live", help="Ask the engines: readiness and drift.")] = False


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    out = invocation.out
    with invocation.workspace() as ws:
        names = chosen(ws, options.env, every=options.all)
        document = status.report(ws, names, live=options.live)
        if out.form == "table":
            show_status(out, document, _surroundings(ws, document))
            return _code(document)
    if out.form == "name":
        for environment in document.environments:
            out.line(printable(environment.environment))
    else:
        out.data(document)
    return _code(document)


def _code(document: Status) -> int:
    return errors.UNREACHABLE if any(item.error for item in document.environments) else errors.DONE


def _surroundings(ws: Workspace, document: Status) -> Surroundings:
    """What a person is told beside the document: who delivers now, and what could go on."""
    runs = any(item.head and item.head.status == RUNNING for item in document.environments)
    locks = lock.status(ws).locks if runs else ()
    names = [item.environment for item in document.environments]
    unknown = any(item.head and item.current is None for item in document.environments)
    heads = ws.history.heads() if unknown else {}
    return Surroundings(
        now=ws.clock.now(),
        locks={item.environment: item for item in locks},
        waiting=tuple(_waiting(ws, document)),
        undeclared=frozenset(names) - frozenset(_declared(ws, names)),
        emptied=frozenset(name for name, head in heads.items() if head.restored == 0),
    )


def _declared(ws: Workspace, names: Sequence[str]) -> Sequence[str]:
    """The environments of the pipeline; where it cannot be read, nothing is said of any."""
    try:
        return tuple(ws.pipeline().environments)
    except ReleaseError:
        return names


def _waiting(ws: Workspace, document: Status) -> list[tuple[str, str]]:
    """(release, environment): a newer release runs in an environment that this one takes its releases from."""
    try:
        entries = ws.pipeline().environments
    except ReleaseError:
        return []
    runs = {item.environment: item.current.release for item in document.environments if item.current}
    registered: dict[str, datetime] = {}
    for version in set(runs.values()):
        release = ws.history.release_of(version)
        if release is not None:
            registered[version] = release.created_at
    found = []
    for item in document.environments:
        entry = entries.get(item.environment)
        newest = _newest(entry, runs, registered) if entry else None
        here = runs.get(item.environment)
        if newest and newest != here and (here not in registered or registered[newest] > registered[here]):
            found.append((newest, item.environment))
    return found


def _newest(entry: PipelineEntry, runs: dict[str, str], registered: dict[str, datetime]) -> str | None:
    """The newest release that runs in the environments which this one takes its releases from."""
    upstream = entry.upstream.environments if entry.upstream else ()
    versions = {runs[name] for name in upstream if runs.get(name) in registered}
    return max(versions, key=lambda version: registered[version], default=None)
