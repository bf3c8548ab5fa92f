"""explain: one value, and the layers that made it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import OneEnvironment
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.trees import tree
from releaser.cli.values import cells, cut, padded, shown
from releaser.model.documents import Explanation
from releaser.model.environment import ChainLink
from releaser.model.tree import REMOVE
from releaser.operations import explain
from releaser.planning.redact import printable
from releaser.planning.wording import count


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Show which layers made a value, by file and line.

    The winner is the last. PATH is from the document's root, as in services.api.environment.CACHE_TTL or
    vars.domain; `services.` may be left out, and a key with a dot is quoted: 'api.labels."a.b"'.
    """

    path: Annotated[str, typer.Argument(metavar="PATH", help="The value, as in api.deploy.replicas.")]
    env: OneEnvironment


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    with invocation.workspace() as ws:
        document = explain.explain(ws, options.env, options.path)
    invocation.out.document(document, lambda out: _show(out, document))
    return errors.DONE


def _show(out: Output, explanation: Explanation) -> None:
    name = f"{out.style(printable(explanation.path), 'name')} in {printable(explanation.environment)}"
    value = explanation.value
    if explanation.chain and explanation.chain[-1].action == REMOVE:
        out.line(f"{name} was removed")
    elif isinstance(value, dict | list) and value:
        out.line(f"{name}:")
        for line in tree(value):
            out.line(f"  {line}")
    else:
        out.line(f"{name} is {out.style(shown(value, whole=True), 'bold')}")
    out.line()
    if not explanation.chain:
        out.line("  no layer sets it: it is the default")
        return
    for line in _chain(out, explanation.chain):
        out.line(line)


def _chain(out: Output, chain: tuple[ChainLink, ...]) -> Iterator[str]:
    rows = [(printable(str(link.location)), link.layer, link.action, _value(link)) for link in chain]
    widths = [max(cells(row[column]) for row in rows) for column in range(3)]
    room = max(out.width - sum(widths) - 10, 16)
    for index, row in enumerate(rows, 1):
        wins = index == len(rows)
        mark = out.style("→", "good") if wins else " "
        place, layer, action = (padded(text, width) for text, width in zip(row[:3], widths, strict=True))
        value = row[3] if out.verbose else cut(row[3], room)
        shown_value = out.style(value, "bold") if wins else value
        yield f"{mark} {out.style(place, 'dim')}  {layer}  {action}  {shown_value}".rstrip()


def _value(link: ChainLink) -> str:
    if link.action == REMOVE:
        return ""
    return f"({count(len(link.value), 'key')})" if isinstance(link.value, dict) else shown(link.value)
