"""`verify` says yes by exit code 0; everything else is told so that a person can act on it."""

import os
import signal
import time

import pytest

from releaser.checks.command import CommandVerifier
from releaser.model.environment import Verify
from releaser.model.errors import Interrupted, VerifyFailed
from releaser.processes import run as processes

VARIABLES = {"RELEASE_ENVIRONMENT": "staging", "RELEASE_VERSION": "v1.4"}
HANG = 20.0


class Asked:
    def __init__(self, condition=lambda: False):
        self.requested = condition


@pytest.fixture
def verify(tmp_path):
    def run(command, *, timeout=HANG, variables=VARIABLES, stop=None):
        verifier = CommandVerifier(tmp_path, {"PATH": os.environ["PATH"], "TOKEN": "c4nary-s3cr3t"})
        verifier.run(Verify(command=tuple(command), timeout=timeout), variables, stop or Asked())

    return run


@pytest.fixture
def refused(verify):
    def run(command, **more) -> VerifyFailed:
        with pytest.raises(VerifyFailed) as caught:
            verify(command, **more)
        assert caught.value.hint
        return caught.value

    return run


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_yes(verify):
    verify(["true"])


def test_it_runs_at_the_root_with_the_variables_and_little_else(verify, tmp_path):
    verify(sh("pwd -P > where; env > seen"))
    assert (tmp_path / "where").read_text().strip() == str(tmp_path.resolve())
    seen = (tmp_path / "seen").read_text()
    assert "RELEASE_ENVIRONMENT=staging\n" in seen
    assert "RELEASE_VERSION=v1.4\n" in seen
    assert "c4nary" not in seen


def test_no_says_the_command_the_code_its_last_words_and_how_to_run_it(refused):
    error = refused(["sh", "-c", 'echo checking; echo "no answer" >&2; exit 3', "a b"])
    assert error.message.split("\n") == [
        """the verify command `sh -c 'echo checking; echo "no answer" >&2; exit 3' 'a b'` ended with exit code 3""",
        "  checking",
        "  no answer",
    ]
    assert error.hint.startswith(
        "run it yourself at the project's root: RELEASE_ENVIRONMENT=staging RELEASE_VERSION=v1.4 sh -c "
    )


def test_the_hint_can_be_pasted_without_variables_too(refused):
    assert refused(["false"], variables={}).hint == "run it yourself at the project's root: false"


def test_ten_lines_at_most_and_the_last_ones(refused):
    lines = refused(sh("for i in $(seq 100); do echo line $i; echo; done; exit 1")).message.split("\n")[1:]
    assert lines == [f"  line {n}" for n in range(91, 101)]


def test_one_endless_line_is_cut(refused):
    assert len(refused(sh("head -c 1000000 /dev/zero | tr '\\0' x; exit 1")).message) < 1000


def test_nothing_that_a_terminal_would_obey(refused):
    error = refused(sh("printf 'a\\033[2Jb\\rc\\302\\233d\\377\\n\\342\\200\\256e'; exit 1"))
    assert error.message.split("\n")[1:] == ["  a\\x1b[2Jb\\rc\\x9bd\ufffd", "  \\u202ee"]
    error = refused(["sh", "-c", "exit 1", "\x1b[2J\n"], variables={"X": "\x1b]0;x\x07"})
    assert not [c for c in error.message + error.hint if ord(c) < 32]


def test_killed(refused):
    assert "was ended by SIGKILL" in refused(sh("kill -KILL $$")).message


def test_one_that_takes_too_long(refused):
    began = time.monotonic()
    assert "did not end within 0.3 s" in refused(sh("exec sleep 600"), timeout=0.3).message
    assert time.monotonic() - began < HANG


def test_one_that_is_not_there(refused):
    error = refused(["./no-such"])
    assert error.message.startswith("the verify command `./no-such` was not found")
    assert "verify.command" in error.hint


def test_no_shell(verify, tmp_path):
    verify(["true", "$(touch canary)", ";", "touch", "canary"])
    assert list(tmp_path.iterdir()) == []


def test_a_wish_to_stop_ends_it(verify, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.2)
    with pytest.raises(Interrupted, match="stopped while the verify command"):
        verify(sh("echo $$ > pid.new; mv pid.new pid; exec sleep 600"), stop=Asked((tmp_path / "pid").exists))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGCONT)


def test_a_wish_to_stop_before_it_starts(verify, tmp_path):
    with pytest.raises(Interrupted, match="stopped before"):
        verify(["touch", "ran"], stop=Asked(lambda: True))
    assert list(tmp_path.iterdir()) == []
