"""Children that misbehave: each ends in time, with what it wrote, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from releaser.processes import run as processes
from releaser.processes.run import Completed, NotStarted, minimal_environment, run

ENV = minimal_environment()
SOON = 20.0  # what a hang would exceed; a healthy run takes milliseconds


class Asked:
    """A wish to stop that is there from a given condition on."""

    def __init__(self, condition=lambda: True):
        self._condition = condition

    def requested(self) -> bool:
        return self._condition()


def sh(script: str, **limits) -> Completed:
    return run(["sh", "-c", script], **{"timeout": SOON, "env": ENV, **limits})


def python(code: str, **limits) -> Completed:
    return run([sys.executable, "-I", "-c", code], **{"timeout": SOON, "env": ENV, **limits})


def gone(pid: int) -> bool:
    """Whether the process is over; a zombie nobody has collected counts as over."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_for(condition, seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.2)


class TestOrdinary:
    def test_streams_and_exit_code(self):
        done = sh("echo out; echo err >&2; exit 3")
        assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)
        assert (done.timed_out, done.stopped, done.truncated) == (False, False, False)

    def test_the_two_streams_together_in_the_order_of_their_arrival(self):
        done = sh("echo 1; sleep 0.2; echo 2 >&2; sleep 0.2; echo 3")
        assert done.output == b"1\n2\n3\n"

    def test_how_it_ended_in_words(self):
        assert sh("exit 3").ending == "ended with exit code 3"
        assert sh("kill -TERM $$").ending == "was ended by SIGTERM"
        assert sh("kill -40 $$").ending == "was ended by signal 40"

    def test_input_reaches_it_whole(self):
        sent = os.urandom(300_000)
        assert run(["cat"], timeout=SOON, env=ENV, stdin=sent, limit=len(sent)).stdout == sent

    def test_no_input_is_an_end_of_file(self):
        assert sh("cat; echo done").stdout == b"done\n"

    def test_a_signal_is_a_negative_code(self):
        assert sh("kill -KILL $$").returncode == -signal.SIGKILL

    def test_it_runs_in_its_folder(self, tmp_path):
        assert sh("pwd -P", cwd=tmp_path).stdout.decode().strip() == str(tmp_path.resolve())

    def test_what_it_wrote_is_not_in_the_repr(self):
        done = sh("echo s3cr3t-out; echo s3cr3t-err >&2")
        assert b"s3cr3t" in done.output
        assert "s3cr3t" not in repr(done)

    def test_no_file_is_left_open(self):
        sh("exit 0")
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            sh("echo x")
        assert len(list(Path("/proc/self/fd").iterdir())) == before

    def test_an_open_file_of_ours_is_not_inherited(self):
        ours, other = os.pipe()
        os.set_inheritable(ours, True)
        try:
            assert sh(f"[ -e /proc/self/fd/{ours} ] && echo inherited").stdout == b""
        finally:
            os.close(ours)
            os.close(other)


class TestNoShell:
    @pytest.mark.parametrize(
        "hostile",
        [
            "$(touch canary)",
            "`touch canary`",
            "; touch canary",
            "| touch canary",
            "a\nb",
            "--help",
            "*",
            "",
            "\u202e",
            "'\"",
        ],
    )
    def test_an_argument_arrives_as_it_is(self, hostile, tmp_path):
        done = run(["printf", "%s", hostile], timeout=SOON, env=ENV, cwd=tmp_path)
        assert done.stdout == hostile.encode()
        assert list(tmp_path.iterdir()) == []

    def test_a_command_is_not_split(self, tmp_path):
        with pytest.raises(NotStarted, match="was not found"):
            run(["touch canary"], timeout=SOON, env=ENV, cwd=tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestEnvironment:
    def test_only_the_minimum_and_what_was_added(self):
        environ = {"PATH": "/bin", "HOME": "/h", "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "USER": "u", "TMPDIR": "/t"}
        given = minimal_environment({"X": "1"}, {**environ, "AWS_SECRET": "s", "LD_PRELOAD": "evil.so", "X": "0"})
        assert given == {**environ, "X": "1"}

    def test_there_is_always_a_path(self):
        assert minimal_environment({}, {})["PATH"] == os.defpath

    def test_the_child_sees_nothing_else(self, monkeypatch):
        monkeypatch.setenv("RELEASER_CANARY", "s3cr3t")
        seen = run(["env"], timeout=SOON, env=minimal_environment({"ADDED": "1"})).stdout.decode()
        assert "ADDED=1" in seen
        assert "s3cr3t" not in seen


class TestNotStarted:
    def test_not_found(self):
        with pytest.raises(NotStarted, match="was not found"):
            run(["no-such-command-here"], timeout=SOON, env=ENV)

    def test_empty(self):
        for argv in ([], [""]):
            with pytest.raises(NotStarted, match="is empty"):
                run(argv, timeout=SOON, env=ENV)

    def test_not_executable(self, tmp_path):
        (tmp_path / "plain").write_text("#!/bin/sh\n")
        with pytest.raises(NotStarted, match="is not executable"):
            run(["./plain"], timeout=SOON, env=ENV, cwd=tmp_path)

    def test_a_folder(self, tmp_path):
        (tmp_path / "folder").mkdir()
        with pytest.raises(NotStarted, match="is not executable"):
            run(["./folder"], timeout=SOON, env=ENV, cwd=tmp_path)

    @pytest.mark.parametrize(
        ("text", "reason"), [("#!/no/such/interpreter\n", "interpreter"), ("echo x\n", "is not a program")]
    )
    def test_a_script_with_a_bad_first_line(self, text, reason, tmp_path):
        script = tmp_path / "script"
        script.write_text(text)
        script.chmod(0o755)
        with pytest.raises(NotStarted, match=reason):
            run(["./script"], timeout=SOON, env=ENV, cwd=tmp_path)

    def test_a_missing_folder_is_not_taken_for_a_missing_command(self, tmp_path):
        with pytest.raises(NotStarted, match="cannot run in its folder"):
            run(["true"], timeout=SOON, env=ENV, cwd=tmp_path / "nowhere")

    @pytest.mark.parametrize("argument", ["a\0b", "\ud800"])
    def test_an_argument_that_cannot_be_passed(self, argument):
        with pytest.raises(NotStarted, match="cannot be passed on"):
            run(["true", argument], timeout=SOON, env=ENV)

    def test_too_long_an_argument(self):
        with pytest.raises(NotStarted, match="too long"):
            run(["true", "x" * 10_000_000], timeout=SOON, env=ENV)


class TestLimits:
    def test_the_time_is_over(self):
        began = time.monotonic()
        done = sh("exec sleep 600", timeout=0.3)
        assert done.timed_out
        assert done.returncode == -signal.SIGTERM
        assert time.monotonic() - began < SOON

    def test_it_may_clean_up_after_sigterm(self, tmp_path):
        code = (
            "import pathlib, signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: (print('cleaned', flush=True), sys.exit(7)))\n"
            "pathlib.Path('ready').touch()\n"
            "time.sleep(600)"
        )
        done = python(code, cwd=tmp_path, stop=Asked((tmp_path / "ready").exists))
        assert (done.stopped, done.returncode, done.stdout) == (True, 7, b"cleaned\n")

    def test_one_that_ignores_sigterm_is_killed(self, short_grace, tmp_path):
        script = "trap '' TERM; echo deaf; touch ready; while :; do sleep 0.1; done"
        done = sh(script, cwd=tmp_path, stop=Asked((tmp_path / "ready").exists))
        assert done.stopped
        assert done.returncode == -signal.SIGKILL
        assert done.stdout == b"deaf\n"

    def test_a_flood_keeps_its_end_in_bounded_memory(self):
        code = (
            "import os\n"
            "block = b'x' * 1048576\n"
            "for _ in range(64): os.write(1, block) and None\n"
            "os.write(1, b'the last words')"
        )
        done = python(code, limit=1000)
        assert done.returncode == 0
        assert done.truncated
        assert len(done.stdout) == 1000
        assert done.stdout.endswith(b"the last words")

    def test_an_endless_flood_ends_at_the_time_limit(self):
        done = run(["yes"], timeout=0.3, env=ENV, limit=100)
        assert (done.timed_out, done.truncated, len(done.stdout)) == (True, True, 100)

    def test_exactly_the_limit_is_not_cut(self):
        done = sh("printf 12345", limit=5)
        assert (done.stdout, done.truncated) == (b"12345", False)

    def test_one_that_never_reads(self):
        done = sh("echo no; exit 4", stdin=b"x" * 1_000_000)
        assert (done.returncode, done.stdout) == (4, b"no\n")

    def test_one_that_hangs_without_reading(self):
        assert sh("exec sleep 600", stdin=b"x" * 1_000_000, timeout=0.3).timed_out

    def test_one_that_reads_a_little_and_hangs(self):
        assert sh("head -c 10000 >&2; exec sleep 600", stdin=b"x" * 1_000_000, timeout=0.5).timed_out

    def test_one_that_closes_its_streams_and_goes_on(self):
        done = sh("exec >&- 2>&- <&-; sleep 0.2; exit 5")
        assert (done.returncode, done.stdout) == (5, b"")

    def test_one_that_closes_its_streams_and_hangs(self):
        assert sh("exec >&- 2>&- <&-; sleep 600", timeout=0.3).timed_out


class TestDescendants:
    def test_a_grandchild_that_keeps_the_output_does_not_hang_us_and_is_killed(self):
        began = time.monotonic()
        done = sh("sleep 600 & echo $!")
        assert time.monotonic() - began < SOON
        assert done.returncode == 0
        wait_for(lambda: gone(int(done.stdout)))

    def test_the_whole_group_is_killed(self, short_grace, tmp_path):
        deaf = "trap '' TERM; touch ready; while :; do sleep 0.1; done"
        script = f"trap '' TERM; ({deaf}) & echo $!; while :; do sleep 0.1; done"
        done = sh(script, cwd=tmp_path, stop=Asked((tmp_path / "ready").exists))
        assert done.stopped
        wait_for(lambda: gone(int(done.stdout)))

    def test_one_that_left_the_group_is_not_waited_for(self):
        code = (
            "import os, sys, time\n"
            "ready, tell = os.pipe()\n"
            "if os.fork():\n"
            "    os.read(ready, 1); sys.exit(0)\n"
            "os.setsid()\n"
            "print(os.getpid(), flush=True)\n"
            "os.write(tell, b'x')\n"
            "time.sleep(600)"
        )
        began = time.monotonic()
        daemon = int(python(code).stdout)
        assert time.monotonic() - began < SOON
        assert not gone(daemon)
        os.kill(daemon, signal.SIGKILL)

    def test_one_that_left_the_group_and_floods(self, tmp_path):
        code = (
            "import os, pathlib, sys, time\n"
            "ready, tell = os.pipe()\n"
            "if os.fork():\n"
            "    os.read(ready, 1); sys.exit(0)\n"
            "os.setsid()\n"
            f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
            "os.write(tell, b'x')\n"
            "while True: os.write(1, b'x' * 65536)"
        )
        done = python(code)
        assert done.returncode == 0
        wait_for(lambda: gone(int((tmp_path / "pid").read_text())))  # nobody reads on: its pipe broke

    def test_a_program_of_another_user_cannot_be_killed_but_is_not_waited_for(self, short_grace, monkeypatch):
        asked = []

        def not_ours(group, number):
            asked.append((group, number))
            raise PermissionError

        with monkeypatch.context() as patch:
            patch.setattr(os, "killpg", not_ours)
            kept = []
            start = subprocess.Popen
            patch.setattr(subprocess, "Popen", lambda *a, **k: kept.append(start(*a, **k)) or kept[0])
            done = sh("exec sleep 600", timeout=0.2)
        assert (done.timed_out, done.returncode) == (True, -signal.SIGKILL)
        assert [number for _, number in asked] == [signal.SIGTERM, signal.SIGKILL]
        kept[0].kill()
        kept[0].wait()


class TestStop:
    def test_a_wish_to_stop_ends_it(self, tmp_path):
        flag = tmp_path / "started"
        done = sh("echo on; touch started; exec sleep 600", cwd=tmp_path, stop=Asked(flag.exists))
        assert (done.stopped, done.timed_out) == (True, False)
        assert done.returncode == -signal.SIGTERM
        assert done.stdout == b"on\n"

    def test_one_that_ended_before_was_not_stopped(self):
        done = sh("exit 0", stop=Asked(lambda: False))
        assert not done.stopped

    def test_waiting_is_not_busy(self):
        times = []
        done = sh("exec sleep 0.5", stop=Asked(lambda: times.append(time.monotonic())))
        assert done.returncode == 0
        assert len(times) < 40

    def test_an_exception_on_the_way_kills_it(self, tmp_path):
        class Twice(BaseException):
            pass

        def pressed() -> bool:
            if (tmp_path / "pid").exists():
                raise Twice
            return False

        with pytest.raises(Twice):
            sh("echo $$ > pid.new; mv pid.new pid; exec sleep 600", cwd=tmp_path, stop=Asked(pressed))
        wait_for(lambda: gone(int((tmp_path / "pid").read_text())))

    def test_ctrl_c_at_our_terminal_does_not_reach_it(self):
        done = python("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))")
        assert done.stdout == b"True\n"

    def test_several_at_once_in_threads(self):
        results: list[bytes] = []
        threads = [threading.Thread(target=lambda n=n: results.append(sh(f"echo {n}").stdout)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        assert sorted(results) == [f"{n}\n".encode() for n in range(8)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_is_started_leaves_no_child(monkeypatch, number):
    class Ended(BaseException):
        pass

    def at_once(*_):
        raise Ended

    started = []

    class Interrupted(subprocess.Popen):
        def __init__(self, *words, **how):
            super().__init__(*words, **how)
            started.append(self.pid)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = signal.signal(number, at_once)
    try:
        with pytest.raises(Ended):
            sh("sleep 60")
        assert signal.getsignal(number) is at_once
    finally:
        signal.signal(number, before)
    assert len(started) == 1
    wait_for(lambda: gone(started[0]))


def test_what_it_says_is_heard_while_it_runs():
    heard = []
    done = sh("echo one >&2; sleep 0.3; echo out; echo two >&2", heard=heard.append)
    assert b"".join(heard) == b"one\ntwo\n"
    assert b"one\n" in heard
    assert heard.count(b"") >= 2, "silence is told too"
    assert done.stdout == b"out\n"


def test_who_hears_may_break_it_off(tmp_path):
    class Enough(Exception):
        pass

    def enough(data: bytes) -> None:
        if data:
            raise Enough

    with pytest.raises(Enough):
        sh(f"echo $$ > {tmp_path}/pid; echo go >&2; sleep 600", heard=enough)
    assert gone(int((tmp_path / "pid").read_text()))
