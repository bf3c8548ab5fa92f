"""Words that plans, errors and tables share."""

import pytest

from releaser.planning.wording import count, duration, listed, nearest, short


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (90, "1m 30s"),
        (3599, "59m 59s"),
        (3600, "1h"),
        (3601, "1h"),
        (24 * 3600, "1d"),
        (26 * 3600, "1d 2h"),
        (24 * 3600 + 61, "1d"),
        (26 * 3600 + 59 * 60, "1d 2h"),
        (400 * 86400, "400d"),
        (-5, "0s"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_lists(names, text):
    assert listed(names) == text


def test_counts():
    assert [count(n, "field") for n in (0, 1, 2)] == ["0 fields", "1 field", "2 fields"]
    assert count(2, "delivery", "deliveries") == "2 deliveries"
    assert count(1, "delivery", "deliveries") == "1 delivery"


def test_short_digests():
    assert short("sha256:0123456789abcdef0123") == "0123456789ab"
    assert short("0123456789abcdef") == "0123456789ab"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("stagging", "staging"),
        ("tset", "test"),
        ("prod", "production"),
        ("productoin", "production"),
        ("zzz", None),
        ("", None),
    ],
)
def test_what_was_meant(name, meant):
    assert nearest(name, ["test", "staging", "production"]) == meant
    assert nearest(name, []) is None
