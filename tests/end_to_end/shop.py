"""The sample shop on disk, the command run on it, and what must hold whatever happens to it."""

import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from releaser.cli import errors
from releaser.history.sqlite import SqliteHistory
from releaser.model.delivery import Delivery
from releaser.model.errors import ReleaseError
from releaser.model.release import Release
from releaser.planning.redact import printable
from releaser.ports import DeliveryQuery
from tests.cli.conftest import Cli, Ran, checked

REPOSITORY = Path(__file__).resolve().parents[2]
RELEASE = (sys.executable, "-m", "releaser")
LONG = 60.0
"""Seconds after which a process that does not do what it shall is taken to hang."""

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]")


@dataclasses.dataclass(frozen=True)
class Kept:
    """The record, and every file that was delivered: what no bad luck may take away."""

    deliveries: tuple[Delivery, ...]
    releases: tuple[Release, ...]
    delivered: Mapping[str, str]
    damaged: str | None  # the history's own bytes, where it cannot be read


class Shop(Cli):
    """A copy of the sample, and the command run on it, within this process or in one of its own."""

    def __call__(self, *words: str, **how: Any) -> Ran:
        """Run `release WORDS` within this process."""
        errors._file.cache_clear()  # files change between two commands here
        return super().__call__(*words, **how)

    # --- a process of its own ---

    def start(self, *words: str, environ: Mapping[str, str] | None = None, **how: Any) -> subprocess.Popen[str]:
        """Start `release WORDS` as a process."""
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        return subprocess.Popen(
            [*RELEASE, *words],
            cwd=how.pop("cwd", self.root),
            env=process_environment() if environ is None else environ,
            encoding="utf-8",
            **how,
        )

    def process(self, *words: str, **how: Any) -> Ran:
        """Run `release WORDS` as a process, to its end."""
        return ended(self.start(*words, **how))

    # --- what must hold ---

    def refused(
        self, *words: str, code: int, kind: str, says: str = "", hint: str = "", at: str = "", **how: Any
    ) -> Any:
        """The command is refused, in words and as a document alike, and nothing is lost; gives the problems."""
        before = self.kept()
        document = self("--json", *words, **how)
        said = self(*words, **how)
        assert self.kept() == before
        assert (document.code, said.code) == (code, code), (document, said)
        problems = document.document["errors"]
        told(said, problems)
        assert {problem["code"] for problem in problems} == {kind}, problems
        assert says in "\n".join(problem["message"] for problem in problems), problems
        assert hint in "\n".join(problem["hint"] or "" for problem in problems), problems
        assert at in " ".join(f"{place['file']}:{place['line']}" for p in problems for place in p["locations"]), (
            problems
        )
        return problems

    def kept(self) -> Kept:
        """The record and the delivered files now, after the record was verified."""
        file = self.root / ".release/history.db"
        history = SqliteHistory.open(file)
        try:
            check = history.verify()
            assert (check.broken_at, check.message) == (None, None)
            deliveries, releases, damaged = history.deliveries(DeliveryQuery()), history.releases(), None
        except ReleaseError:
            deliveries, releases, damaged = (), (), hashlib.sha256(file.read_bytes()).hexdigest()
        finally:
            history.close()
        contiguous(deliveries)
        return Kept(deliveries, releases, self.delivered(), damaged)

    def grown(self, before: Kept) -> tuple[Delivery, ...]:
        """The deliveries since `before`, oldest first; what was recorded then is recorded still."""
        now = self.kept()
        assert all(release in now.releases for release in before.releases)
        known = {(one.environment, one.revision) for one in before.deliveries}
        found = {(one.environment, one.revision): one for one in now.deliveries}
        assert known <= found.keys(), "a revision was lost"
        return tuple(found[key] for key in sorted(found.keys() - known))

    def delivered(self, environment: str = "") -> dict[str, str]:
        """Every file and folder that was delivered: its path and the hash of its bytes."""
        return hashes(self.root / "deploy" / environment)

    def standing(self, environment: str) -> tuple[str, str | None]:
        """The head's status, and the release that is known to run."""
        found = self.json("status", "--env", environment)["environments"][0]
        return found["head"]["status"], found["current"] and found["current"]["release"]

    def clean(self, environment: str) -> None:
        """What is live is what was recorded, and the record is whole."""
        assert self.json("drift", "--env", environment)["environments"][0]["clean"] is True
        self.kept()


def told(said: Ran, problems: Iterable[Mapping[str, Any]]) -> None:
    """The text has of every problem what it is, where it is and what to do next; and nothing that moves a terminal."""
    for problem in list(problems)[: errors.MOST]:
        assert f"error: {printable(problem['message'], lines=True)}\n" in said.err, said.err
        for place in problem["locations"]:
            assert f" --> {printable(place['file'])}:{place['line']}:{place['column']}\n" in said.err, said.err
        assert problem["hint"], problem
        assert f"hint: {printable(problem['hint'], lines=True)}\n" in said.err, said.err
    assert not said.out or said.out.startswith("Plan "), said.out
    plain(said)


def plain(said: Ran) -> None:
    """No traceback, and nothing that a terminal would obey."""
    text = said.out + said.err
    assert "Traceback" not in text
    assert not _CONTROL.search(text), repr(text)


def contiguous(deliveries: Iterable[Delivery]) -> None:
    """Each environment has the revisions 1, 2, 3 … once."""
    revisions: dict[str, list[int]] = {}
    for delivery in deliveries:
        revisions.setdefault(delivery.environment, []).append(delivery.revision)
    for name, found in revisions.items():
        assert sorted(found) == list(range(1, len(found) + 1)), f"{name}: a revision is missing or doubled"


def hashes(folder: Path) -> dict[str, str]:
    """Every path below a folder: what it is, and the hash of its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = f"link to {path.readlink()}" if path.is_symlink() else "folder" if path.is_dir() else ""
        found[str(path.relative_to(folder))] = kind or hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def stamps(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every path below a folder with its inode, size and time: whatever is made, written or replaced shows."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[str(path)] = status.st_ino, status.st_size, status.st_mtime_ns
    return found


def process_environment(**more: str) -> dict[str, str]:
    """The environment of a process that shall run this very code."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def ended(process: subprocess.Popen[str]) -> Ran:
    """What a process did, once it has ended."""
    try:
        out, err = process.communicate(timeout=LONG)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it hangs: {process.communicate()}") from None
    return Ran(process.returncode, out or "", err or "")


def document_of(out: str) -> Any:
    """A printed document, valid under the schema that it names."""
    return checked(json.loads(out))
