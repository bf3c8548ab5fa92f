"""rollback: bring an earlier delivery back, image and configuration."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import deliver
from releaser.cli.invocation import Invocation
from releaser.cli.options import Adopt, Delivering, Environment, Move, Replace
from releaser.cli.output import Output
from releaser.model.errors import BadArgument
from releaser.operations import rollback
from releaser.operations.proposing import Request
from releaser.operations.workspace import Workspace
from releaser.planning.redact import printable
from releaser.planning.wording import duration


@dataclass(frozen=True, kw_only=True)
class Options(Delivering):
    """Bring an earlier delivery back, image and configuration.

    From the record alone: also where the declarations are gone or a registry is down. Without --revision or --release
    it goes to the newest delivery before the current one that had other resources; a second rollback goes further
    back.
    """

    to: Environment
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", min=1, help="The delivery to bring back.")
    ] = None
    release: Annotated[
        str | None, typer.Option("--release", metavar="RELEASE", help="The newest delivery of this release.")
    ] = None
    adopt: Adopt = False
    move: Move = False
    replace: Replace = False


def run(invocation: Invocation, options: Options) -> int:
    """Roll back; gives the exit code."""
    if options.revision is not None and options.release is not None:
        raise BadArgument("--revision and --release exclude each other", hint="leave one of them out")

    def ask(ws: Workspace) -> Request:
        request = rollback.request(
            ws,
            options.to,
            revision=options.revision,
            release=options.release,
            adopt=options.adopt,
            move=options.move,
            replace=options.replace,
        )
        _announce(invocation.out, ws, request)
        return request

    return deliver(invocation, options, ask)


def _announce(out: Output, ws: Workspace, request: Request) -> None:
    """The first line: what is left, what comes back, and how old that is."""
    assert request.revision is not None  # noqa: S101 - what makes it a rollback
    found = ws.history.delivery(request.environment, request.revision)
    head = ws.history.head(request.environment)
    now = head.current if head else None
    left = f"{now.release} (#{now.revision})" if now else "what is there"
    age = duration((ws.clock.now() - (found.finished_at or found.started_at)).total_seconds())
    out.say(
        printable(f"Roll {request.environment} back: {left} → {found.release} (#{found.revision}, delivered {age} ago)")
    )
