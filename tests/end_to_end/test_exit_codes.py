"""The table of exit codes as a whole: every code provoked in one project, each with the document that belongs to it."""

import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Moment
from tests.end_to_end.shop import REPOSITORY, Shop, document_of, ended, told

CODES = {0, 1, 2, 3, 4, 5, 64, 70, 130, 143}


def test_every_exit_code(shop: Shop, moment: Moment) -> None:
    before = shop.kept()
    seen: dict[int, str] = {}

    def ends(code: int, *words: str) -> None:
        ran = shop(*words, "--json")
        assert ran.code == code, ran
        seen[code] = ran.document["schema"].split("/")[1]

    ends(0, "status")
    moment.let_go("no")
    moment.let_go()
    ends(1, "promote", "v1.3", "--to", "staging", "--yes")
    moment.passed()
    shop.drift("test1")
    ends(2, "drift", "--env", "test1", "--exit-code")
    ends(2, "plan", "v1.5", "--to", "test1", "--exit-code")
    ends(3, "promote", "v1.5", "--to", "staging", "--yes")
    ends(3, "resume", "production", "--yes")
    shop.ok("plan", "v1.5", "--to", "test1", "--out", "plan.json", "-q")
    shop.ok("apply", "plan.json", "--yes", "-q")
    ends(4, "apply", "plan.json", "--yes")
    history = shop.root / ".release/history.db"
    kept = history.read_bytes()
    history.write_bytes(b"damaged" * 1000)
    ends(5, "history")
    history.write_bytes(kept)
    ends(64, "promote", "v1.5", "--to", "nowhere", "--yes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("releaser.operations.status.report", lambda *_, **__: 1 / 0)
        ends(70, "status")
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = shop.start("promote", "v1.3", "--to", "staging", "--yes", "--json")
        moment.reached(process)
        process.send_signal(number)
        ran = ended(process)
        assert ran.code == code
        seen[code] = document_of(ran.out)["schema"].split("/")[1]

    assert seen.keys() == CODES
    assert seen == {
        0: "status",
        1: "result",
        2: "plan",
        3: "error",
        4: "error",
        5: "error",
        64: "error",
        70: "error",
        130: "result",
        143: "result",
    }
    assert {one.status for one in shop.grown(before)} == {"failed", "succeeded", "interrupted"}
    moment.let_go()
    shop.ok("resume", "staging", "--yes")
    shop.clean("staging")
    shop.clean("test1")


def test_the_table_is_that_of_the_documentation() -> None:
    for page in ("README.md", "docs/errors.md"):
        lines = (REPOSITORY / page).read_text().splitlines()
        about = " ".join(line for line in lines if line.startswith(("|", "Exit")) or "130" in line or "Exit" in line)
        assert {int(code) for code in re.findall(r"\b\d{1,3}\b", about)} >= CODES, page


DEFECTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    # where our code breaks → what somebody ran
    "a verb": ("releaser.cli.status.run", ("status",)),
    "an operation": ("releaser.operations.history.deliveries", ("history",)),
    "the planner": ("releaser.planning.planner.changes", ("plan", "v1.5", "--to", "test1")),
    "an engine": ("releaser.engines.directory.engine.DirectoryEngine.observe", ("drift", "--env", "staging")),
    "an engine's writes": (
        "releaser.engines.directory.engine.DirectoryEngine.apply",
        ("promote", "v1.3", "--to", "staging", "--yes"),
    ),
    "the history": ("releaser.history.sqlite.SqliteHistory.heads", ("status",)),
    "the declarations": ("releaser.declarations.yaml12.read", ("validate",)),
}


@pytest.mark.parametrize(("where", "words"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_of_ours(shop: Shop, where: str, words: tuple[str, ...]) -> None:
    """One line, no traceback, a file for those who mend it; and what it cut off is settled by the next command."""

    def defect(*_: object, **__: object) -> None:
        raise RuntimeError("\x1b[31mnobody thought of this")

    before = shop.kept()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, defect)
        ran = shop(*words)
        document = shop("--json", *words) if "promote" not in words else None
    assert ran.code == 70
    told(
        ran,
        [
            {
                "message": "a defect in release: RuntimeError: \x1b[31mnobody thought of this",
                "locations": [],
                "hint": hint(ran.err),
            }
        ],
    )
    (file,) = re.findall(r"please report it, with (.*\.txt)", ran.err)
    assert "Traceback" in Path(file).read_text()
    if document:
        assert (document.code, document.document["errors"][0]["code"]) == (70, "internal")
        assert shop.kept() == before
    debugged(shop, where, words)
    shop.ok("promote", "v1.3", "--to", "staging", "--yes")
    shop.clean("staging")
    shop.grown(before)


def hint(err: str) -> str:
    (found,) = re.findall(r"^hint: (.*)$", err, re.MULTILINE)
    return found


def debugged(shop: Shop, where: str, words: tuple[str, ...]) -> None:
    """With --debug the traceback is told."""

    def defect(*_: object, **__: object) -> None:
        raise RuntimeError("nobody thought of this")

    if "promote" in words:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, defect)
        ran = shop(*words, "--debug")
    assert ran.code == 70
    assert "Traceback" in ran.err
    assert "RuntimeError: nobody thought of this" in ran.err


@pytest.mark.parametrize("verb", ["promote", "drift", "status"])
def test_wrong_usage_is_told_in_the_form_that_was_asked_for(shop: Shop, verb: str) -> None:
    cases: list[tuple[str, ...]] = [
        (verb, "--nonsense"),
        (verb, "-o", "xml"),
        (verb, "--color", "pink"),
        (verb, "--limit", "many"),
        (verb, "too", "many", "words", "here"),
        (verb, "--env"),
    ]
    for words in cases:
        ran = shop("--json", *words) if "-o" not in words else shop(*words)
        assert ran.code == 64, ran
        if "-o" not in words:
            (problem,) = ran.document["errors"]
            assert problem["code"] == "bad-argument"
            assert problem["hint"]
        said = shop(*words)
        assert said.code == 64
        assert said.err.startswith("error: ")
        assert "hint: " in said.err
