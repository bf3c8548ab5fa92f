"""Ctrl-C once and twice, SIGTERM, and what a terminal gets: real processes, real signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pexpect
import pytest

RELEASE = ("-c", "import sys; from releaser.cli.main import main; sys.exit(main())")
LONG = 60.0
CHECK = """
[ "$RELEASE_VERSION" = v1.3 ] && exit 0
echo $$ > began
for i in $(seq 400); do [ -e go ] && exit 0; sleep 0.1; done
exit 1
"""


@pytest.fixture
def slow(cli):
    """A project whose verify goes on until it is let go, and says that it began; `v1.3` passes at once."""
    cli.promote("v1.3", "test")
    cli.write("check.sh", CHECK)
    cli.verify("verify: {command: [sh, check.sh], timeout: 50s}")
    return cli


def start(cli, *words):
    return subprocess.Popen(
        [sys.executable, *RELEASE, *words], cwd=cli.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(condition, what):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_stops_after_the_running_step_and_is_recorded(slow, number, code):
    process = start(slow, "promote", "v1.4", "--to", "test", "--yes", "--json")
    until((slow.root / "began").exists, "verify runs")

    process.send_signal(number)
    out, err = process.communicate(timeout=LONG)

    assert process.returncode == code
    assert "stopping after the running step; once more stops at once" in err
    document = json.loads(out)
    assert document["outcome"] == "interrupted"
    assert document["delivery"]["status"] == "interrupted"
    assert err.endswith("next: release resume test\n      release abort test\n")
    assert slow.json("show", "test")["delivery"]["status"] == "interrupted"


def test_what_was_interrupted_is_finished_or_undone(slow):
    before = (slow.root / "deploy/test/compose.yaml").read_bytes()
    for verb in ("abort", "resume"):
        (slow.root / "began").unlink(missing_ok=True)
        process = start(slow, "promote", "v1.4", "--to", "test", "--yes")
        until((slow.root / "began").exists, "verify runs")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONG)
        assert process.returncode == 130

        if verb == "abort":
            ran = slow.ok("abort", "test", "--yes")
            assert re.search(r"✓ aborted: test has v1\.3 again \(#2, ", ran.out)
            assert (slow.root / "deploy/test/compose.yaml").read_bytes() == before
        else:
            slow.write("go", "")
            document = slow.json("resume", "test", "--yes")
            assert (document["outcome"], document["delivery"]["revision"]) == ("delivered", 3)
            assert document["delivery"]["current"]["release"] == "v1.4"


def test_the_second_signal_stops_at_once_and_the_next_command_settles_it(slow):
    slow.write("check.sh", "trap '' TERM INT\n" + CHECK)  # told to end, it does not
    process = start(slow, "promote", "v1.4", "--to", "test", "--yes")
    until((slow.root / "began").exists, "verify runs")

    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "once more stops at once" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LONG)

    assert process.returncode == 130
    assert err == "interrupted at once: the next command that delivers there finds out what was done\n"
    assert "interrupted" not in out
    assert slow.json("show", "test")["delivery"]["status"] == "running"
    slow.write("go", "")
    slow.ok("promote", "v1.4", "--to", "test", "--yes")
    assert slow.json("show", "test")["delivery"]["status"] == "succeeded"
    assert [delivery["status"] for delivery in slow.json("history")["deliveries"]].count("running") == 0


# --- a terminal ---


def on_terminal(cli, *words, columns=80, **environ):
    return pexpect.spawn(
        sys.executable,
        [*RELEASE, *words],
        cwd=cli.root,
        env={**os.environ, "TERM": "xterm-256color", **environ},
        dimensions=(40, columns),
        encoding="utf-8",
        timeout=LONG,
    )


def ended(child):
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_a_person_confirms_and_watches(slow):
    slow.write("go", "")
    child = on_terminal(slow, "promote", "v1.4", "--to", "test")

    child.expect_exact("Plan ")
    child.expect_exact("Deliver v1.4 to test? [y/N] ")
    child.sendline("y")
    child.expect_exact("is recorded as running")
    child.expect(r"verify runs: sh check\.sh")
    child.expect(r"test now has v1\.4 \(#2, \d+\.\ds\)\. Was v1\.3")
    child.expect_exact("release promote v1.4 --to staging")

    assert ended(child) == 0


def test_ctrl_c_at_the_question_delivers_nothing(slow):
    child = on_terminal(slow, "promote", "v1.4", "--to", "test")

    child.expect_exact("[y/N] ")
    child.sendintr()
    child.expect_exact("interrupted")

    assert ended(child) == 130
    assert len(slow.json("history")["deliveries"]) == 1


def test_sigterm_ends_a_command_that_does_not_deliver(slow):
    child = on_terminal(slow, "promote", "v1.4", "--to", "test")

    child.expect_exact("[y/N] ")
    child.kill(signal.SIGTERM)
    child.expect_exact("terminated")

    assert ended(child) == 143


def test_ctrl_c_while_it_is_delivered(slow):
    child = on_terminal(slow, "promote", "v1.4", "--to", "test")

    child.expect_exact("[y/N] ")
    child.sendline("y")
    until((slow.root / "began").exists, "verify runs")
    child.sendintr()
    child.expect_exact("stopping after the running step")
    child.expect_exact("release resume test")

    assert ended(child) == 130
    assert slow.json("show", "test")["delivery"]["status"] == "interrupted"


def test_a_terminal_without_abilities_gets_plain_lines(slow):
    slow.write("go", "")
    child = on_terminal(slow, "promote", "v1.4", "--to", "test", "--yes", TERM="dumb")

    text = child.read()

    assert ended(child) == 0
    assert "\x1b" not in text
    assert re.search(r"\d\d:\d\d:\d\dZ  verify runs", text)


# --- two at once ---


def test_a_second_one_is_refused_and_told_who_delivers(slow):
    first = start(slow, "promote", "v1.4", "--to", "test", "--yes", "--by", "ann")
    until((slow.root / "began").exists, "verify runs")

    second = slow("promote", "v1.5", "--to", "test", "--yes", "--by", "ben")
    document = slow("rollback", "--to", "test", "--yes", "--json")
    slow.write("go", "")
    first.communicate(timeout=LONG)

    assert first.returncode == 0
    assert second.code == document.code == 4
    assert "ann" in second.err
    assert "promote" in second.err
    assert document.document["errors"][0]["code"] == "locked"
    assert [d["release"] for d in slow.json("history")["deliveries"]] == ["v1.4", "v1.3"]
