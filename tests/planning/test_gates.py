"""Gates: who may enter, and the sentence that says why not."""

from datetime import UTC, datetime, timedelta

import pytest

from releaser.model.environment import PipelineEntry, Upstream
from releaser.model.gate import Standing
from releaser.planning.gates import confirmation, evaluate, ran

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = 3600.0


def _entry(mode=None, *names, soak=None, confirm=None):
    return PipelineEntry(
        name="production",
        layers=("base",),
        upstream=Upstream(mode=mode, environments=names) if mode else None,
        soak=soak,
        confirm=confirm,
        platforms=("linux/amd64",),
    )


def _standing(name, proven=None, *, back=None, since=None, until=None):
    """`since` and `until` in hours before now."""
    return Standing(
        environment=name,
        proven=proven,
        rolled_back=back,
        since=None if since is None else NOW - timedelta(hours=since),
        until=None if until is None else NOW - timedelta(hours=until),
    )


def _ask(entry, *standings):
    return evaluate(entry, "v1", {standing.environment: standing for standing in standings}, NOW)


@pytest.mark.parametrize(
    ("mode", "standings", "passed", "detail"),
    [
        ("any", [("a", 3)], True, "v1 is proven in a (#3)"),
        ("any", [("a",)], False, "v1 is not proven in a"),
        ("any", [("a",), ("b", 2), ("c",)], True, "v1 is proven in b (#2)"),
        ("any", [("a", 1), ("b", 2)], True, "v1 is proven in a (#1) and b (#2)"),
        ("any", [("a",), ("b",), ("c",)], False, "v1 is proven in none of a, b and c"),
        ("all", [("a", 1), ("b", 2)], True, "v1 is proven in a (#1) and b (#2)"),
        ("all", [("a", 1), ("b",)], False, "v1 is not proven in b, and must be in all of them"),
        ("all", [("a",), ("b",)], False, "v1 is not proven in a and b, and must be in all of them"),
        ("all", [("a", 7)], True, "v1 is proven in a (#7)"),
    ],
)
def test_from(mode, standings, passed, detail):
    made = [_standing(*one) for one in standings]
    (gate,) = _ask(_entry(mode, *(one[0] for one in standings)), *made)
    assert (gate.gate, gate.passed, gate.detail) == ("from", passed, detail)


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        ("any", "v1 is proven in none of a and b; rolled back away from it: a (#4)"),
        ("all", "v1 is not proven in a and b, and must be in all of them; rolled back away from it: a (#4)"),
    ],
)
def test_from_after_a_rollback(mode, detail):
    (gate,) = _ask(_entry(mode, "a", "b"), _standing("a", back=4), _standing("b"))
    assert (gate.passed, gate.detail) == (False, detail)
    (gate,) = _ask(_entry("any", "a"), _standing("a", back=4))
    assert gate.detail == "v1 is not proven in a; rolled back away from it: a (#4)"


@pytest.mark.parametrize(
    ("mode", "standings", "passed", "detail"),
    [
        # it still runs there
        ("any", [_standing("a", 1, since=2)], True, "v1 ran 2h of 1h in a"),
        ("any", [_standing("a", 1, since=1)], True, "v1 ran 1h of 1h in a"),
        ("any", [_standing("a", 1, since=0.75)], False, "v1 ran 45m of 1h in a, 15m to go"),
        ("any", [_standing("a", 1, since=0)], False, "v1 ran 0s of 1h in a, 1h to go"),
        ("any", [_standing("a", 1, since=-1)], False, "v1 ran 0s of 1h in a, 1h to go"),  # the clock was set back
        # another release runs there now
        ("any", [_standing("a", 1, since=5, until=3)], True, "v1 ran 2h of 1h in a"),
        ("any", [_standing("a", 1, since=3, until=2.5)], False, "v1 ran 30m of 1h in a, and runs there no more"),
        # it never ran, or was rolled back
        ("any", [_standing("a")], False, "v1 did not run in a yet"),
        ("any", [_standing("a", back=4, since=5, until=3)], False, "v1 ran 2h of 1h in a, but is not proven there"),
        ("any", [_standing("a", back=4, since=4, until=3)], False, "v1 ran 1h of 1h in a, but is not proven there"),
        # any: one that soaked is enough, and it must be one that is proven
        ("any", [_standing("a", 1, since=0.5), _standing("b", 1, since=2)], True, "v1 ran 2h of 1h in b"),
        ("any", [_standing("a"), _standing("b", 1, since=0.5)], False, "v1 ran 30m of 1h in b, 30m to go"),
        (
            "any",
            [_standing("a", back=4, since=9, until=1), _standing("b", 1, since=0.5)],
            False,
            "v1 ran 30m of 1h in b, 30m to go",
        ),
        # all: the one that ran least decides
        ("all", [_standing("a", 1, since=3), _standing("b", 1, since=2)], True, "v1 ran 2h of 1h in b"),
        ("all", [_standing("a", 1, since=3), _standing("b", 1, since=0.5)], False, "v1 ran 30m of 1h in b, 30m to go"),
        ("all", [_standing("a", 1, since=3), _standing("b")], False, "v1 did not run in b yet"),
        (
            "all",
            [_standing("a", back=4, since=9, until=1), _standing("b", 1, since=2)],
            False,
            "v1 ran 8h of 1h in a, but is not proven there",
        ),
    ],
)
def test_soak(mode, standings, passed, detail):
    names = [standing.environment for standing in standings]
    (_, gate) = _ask(_entry(mode, *names, soak=HOUR), *standings)
    assert (gate.gate, gate.passed, gate.detail) == ("soak", passed, detail)


def test_which_gates_there_are():
    assert _ask(_entry()) == ()
    assert [gate.gate for gate in _ask(_entry("any", "a", soak=HOUR, confirm="name"), _standing("a"))] == [
        "from",
        "soak",
        "confirm",
    ]
    assert [gate.gate for gate in _ask(_entry("any", "a", soak=0.0), _standing("a"))] == ["from"]
    assert [gate.gate for gate in _ask(_entry(soak=HOUR))] == []  # an entry environment has nothing to soak in


def test_a_confirmation_never_refuses():
    (gate,) = confirmation(_entry(confirm="name"))
    assert (gate.gate, gate.passed) == ("confirm", True)
    assert "production" in gate.detail
    assert confirmation(_entry()) == ()


def test_how_long_it_ran():
    assert ran(_standing("a"), NOW) == 0
    assert ran(_standing("a", since=2), NOW) == 2 * HOUR
    assert ran(_standing("a", since=5, until=2), NOW) == 3 * HOUR
