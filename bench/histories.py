"""A history of ten thousand deliveries: what reading it, adding to it and verifying it cost."""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench import project, timing
from bench.report import Report
from releaser.history.sqlite import SqliteHistory
from releaser.model.delivery import Current, Intent, Outcome
from releaser.ports import Holder

VERIFY = "import sys; from pathlib import Path; from releaser.history.sqlite import SqliteHistory\n"
VERIFY += "assert SqliteHistory.open(Path(sys.argv[1])).verify().broken_at is None"


def run(report: Report, *, quick: bool) -> None:
    """history, status, a promote, and the chain."""
    deliveries = 500 if quick else 10_000
    report.section(f"a history of {deliveries} deliveries in eight environments: whole process")
    with tempfile.TemporaryDirectory() as folder:
        made = project.make(Path(folder), 10, environments=8)
        for number in range(1, 9):
            made.release("promote", "v1.4", "--to", f"test{number}", "--yes", "-q")
        database = made.root / ".release" / "history.db"
        start = time.perf_counter()
        _fill(database, deliveries - 8)
        report.add("begin and finish, each", (time.perf_counter() - start) * 1000 / (deliveries - 8), "ms")
        ours = [*project.RELEASE, "-C", str(made.root)]
        commands = {
            "history --limit 50": timing.Command([*ours, "history", "--limit", "50"], made.environ),
            "history, all, as JSON": timing.Command([*ours, "history", "-o", "json"], made.environ),
            "status": timing.Command([*ours, "status"], made.environ),
            "plan": timing.Command([*ours, "plan", "v1.4", "--to", "test1"], made.environ),
            "the chain verified": timing.Command([sys.executable, "-c", VERIFY, str(database)], made.environ),
        }
        for name, seconds in timing.alternating(commands, rounds=3).items():
            report.add(name, seconds, "s")
        promote = timing.Command([*ours, "promote", "v1.5", "--to", "test1", "--yes", "-q"], made.environ)
        report.add("promote v1.5", timing.once(promote)[0], "s")


def _fill(database: Path, deliveries: int) -> None:
    """More deliveries like the first ones, through the store itself."""
    history = SqliteHistory.open(database)
    environments = sorted(history.heads())
    now = datetime.now(UTC)
    for number in range(deliveries):
        name = environments[number % len(environments)]
        head = history.head(name)
        assert head is not None
        record = history.record(name, head.revision)
        now += timedelta(seconds=1)
        plan = msgspec.structs.replace(record.plan, id=f"{number:064x}", base_revision=head.revision)
        lease = history.acquire(name, Holder(actor="bench", host="here", process=1, verb="promote", since=now))
        intent = Intent(
            plan=plan,
            resources=record.resources,
            base=record.base,
            definitions=record.definitions,
            actor="bench",
            tool_version="bench",
            started_at=now,
        )
        begun = history.begin(lease, intent)
        current = Current(revision=begun.revision, release=begun.release, since=now)
        assert record.inventory is not None
        outcome = Outcome(status="succeeded", inventory=record.inventory, current=current, finished_at=now)
        history.finish(lease, begun.revision, outcome)
        history.release(lease)
    history.close()
