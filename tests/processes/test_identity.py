"""Which process one is, and whether another is gone: what a killed build left may be removed only then."""

import subprocess
import sys

from releaser.processes.identity import identity, is_gone


def test_one_that_lives_is_not_gone() -> None:
    assert is_gone(identity()) is False


def test_one_that_has_ended_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        name = identity(other.pid)
        assert is_gone(name) is False
    assert is_gone(name) is True


def test_another_with_its_number_is_not_it() -> None:
    machine, number, born = identity().split("/")
    assert is_gone(f"{machine}/{number}/{int(born) + 1}") is True


def test_what_is_seen_from_elsewhere_cannot_be_told() -> None:
    """Two containers share a kernel, and so its boot, and each has processes of its own."""
    machine, number, born = identity().split("/")
    boot, _, _ = machine.partition(".")
    assert is_gone(f"{boot}.pid:[1]/{number}/{born}") is None
    assert is_gone("another-boot.pid:[1]/1/1") is None
    assert is_gone("") is None
