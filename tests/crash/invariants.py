"""What must hold after a delivery was cut off, before and after the next command."""

import hashlib
from pathlib import Path

import yaml

from releaser.history.sqlite import SqliteHistory
from releaser.operations import drift
from releaser.ports import DeliveryQuery
from releaser.settings import read
from releaser.wiring import Flags, open_workspace
from tests.crash.driver import Running, Watcher, deliver


def check(root: Path, scenario: str, verb: str, environment: str, release: str) -> None:
    """The state after a crash is honest, and the next command settles it."""
    honest(root, environment)
    before = revisions(root, environment)
    settled(root, scenario, verb, environment, release)
    after = revisions(root, environment)
    assert after[: len(before)] == before, "a revision was lost"
    honest(root, environment)


def honest(root: Path, environment: str) -> None:
    """The folder is whole, the record is whole, and drift calls clean only what is as recorded."""
    folder = root / "deploy" / environment
    compose = folder / "compose.yaml"
    if compose.exists():
        parsed = yaml.safe_load(compose.read_text())
        for config in (parsed.get("configs") or {}).values():
            assert (folder / config["file"]).is_file(), f"compose.yaml refers to {config['file']}, which is not there"
    ws = open_workspace(read(), Flags(directory=root), Running(), Watcher(at=0, kill=False))
    try:
        assert ws.history.verify().broken_at is None
        found = drift.of(ws, environment)
        record = ws.head_record(environment)
    finally:
        ws.close()
    if found.clean and record is not None:
        assert record.inventory is not None
        recorded = record.inventory.files.get("compose.yaml")
        live = "sha256:" + hashlib.sha256(compose.read_bytes()).hexdigest() if compose.exists() else None
        assert live == recorded, "drift calls clean what is not as recorded"
        configs = {f"config/{path.name}" for path in (folder / "config").glob("*")}
        assert configs == {name for name in record.inventory.items if name.startswith("config/")}


def settled(root: Path, scenario: str, verb: str, environment: str, release: str) -> None:
    """The next command ends where an undisturbed one does, and drift is clean."""
    expected = "v1.4" if scenario in {"failing", "reconcile", "promote"} else "v1.3"
    if verb == "rollback" and _current(root, environment) == "v1.3":
        verb, release = "promote", "v1.3"  # the rollback got there: a second one would go further back
    if scenario == "reconcile" and _current(root, environment) is None:
        verb, release = "promote", "v1.4"
    if scenario == "rollback" and verb == "rollback" and _current(root, environment) is None:
        verb, release = "promote", "v1.3"
    deliver(root, verb, environment, release, Watcher(at=0, kill=False))
    assert _current(root, environment) == expected
    ws = open_workspace(read(), Flags(directory=root), Running(), Watcher(at=0, kill=False))
    try:
        found = drift.of(ws, environment)
    finally:
        ws.close()
    assert found.clean is True, found


def _current(root: Path, environment: str) -> str | None:
    history = SqliteHistory.open(root / ".release" / "history.db")
    try:
        head = history.head(environment)
        return head.current.release if head and head.current else None
    finally:
        history.close()


def revisions(root: Path, environment: str) -> list[int]:
    """The recorded revisions, oldest first: 1, 2, 3 … without a gap."""
    history = SqliteHistory.open(root / ".release" / "history.db")
    try:
        found = [d.revision for d in history.deliveries(DeliveryQuery(environments=(environment,)))][::-1]
    finally:
        history.close()
    assert found == list(range(1, len(found) + 1)), "a revision is missing or doubled"
    return found
