"""Each source gives the value and nothing but it, and every failure says why without it."""

import os
import socket
import time
from pathlib import Path

import pytest

from releaser.model.errors import SecretMissing
from releaser.processes import run as processes
from releaser.secrets import files
from releaser.secrets.sources import MAX_BYTES, Remembered, Sources

CANARY = "c4nary-s3cr3t"
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
HANG = 20.0


@pytest.fixture
def read(tmp_path):
    root = tmp_path / "project"
    root.mkdir()

    def reader(definition, environ=None, name="db_password"):
        return Sources(root, {**ENVIRON, **(environ or {})}).read(name, definition)

    reader.root = root
    return reader


def missing(read, definition, environ=None, name="db_password") -> SecretMissing:
    """The error; nothing of a value is in it."""
    with pytest.raises(SecretMissing) as caught:
        read(definition, environ, name)
    error = caught.value
    told = f"{error.message} {error.hint} {error!r} {error.__cause__!r}"
    assert CANARY not in told
    assert error.hint
    assert not [c for c in told if ord(c) < 32]
    return error


def shell(script: str, **more) -> dict:
    return {"from": "exec", "command": ["sh", "-c", script], **more}


class TestEnv:
    def test_value(self, read):
        assert read({"from": "env", "name": "X"}, {"X": CANARY}) == CANARY.encode()

    def test_a_value_is_taken_as_it_is(self, read):
        assert read({"from": "env", "name": "X"}, {"X": "a\n"}) == b"a\n"
        assert read({"from": "env", "name": "X"}, {"X": os.fsdecode(b"\xff\xfe")}) == b"\xff\xfe"

    def test_not_set(self, read):
        error = missing(read, {"from": "env", "name": "SHOP_DB_PASSWORD"})
        assert error.message == "secret db_password has no value: the variable SHOP_DB_PASSWORD is not set"
        assert "SHOP_DB_PASSWORD" in error.hint

    def test_empty(self, read):
        assert "is empty" in missing(read, {"from": "env", "name": "X"}, {"X": ""}).message

    def test_too_large(self, read):
        assert "64 KiB" in missing(read, {"from": "env", "name": "X"}, {"X": CANARY * 10_000}).message
        assert len(read({"from": "env", "name": "X"}, {"X": "x" * MAX_BYTES})) == MAX_BYTES

    @pytest.mark.parametrize("name", ["", "A=B", "a\0b", "\x1b[2J", "../x", "--yes", "a\nb", None, 7, ["X"]])
    def test_hostile_names(self, read, name):
        missing(read, {"from": "env", "name": name})

    def test_a_hostile_secret_name_is_escaped(self, read):
        assert r"\x1b[2J\n" in missing(read, {"from": "env", "name": "X"}, name="\x1b[2J\n").message


class TestFile:
    @pytest.mark.parametrize(
        ("content", "value"),
        [
            (b"password", b"password"),
            (b"password\n", b"password"),
            (b"password\r\n", b"password"),
            (b"password\n\n", b"password\n\n"),
            (b" password \n", b" password "),
            (b"-----BEGIN-----\nabc\n-----END-----\n", b"-----BEGIN-----\nabc\n-----END-----\n"),
            (b"a\0b\xff\n", b"a\0b\xff\n"),
            (b"x" * MAX_BYTES, b"x" * MAX_BYTES),
            (b"x" * MAX_BYTES + b"\n", b"x" * MAX_BYTES),
        ],
    )
    def test_a_line_end_is_dropped_from_one_line_only(self, read, content, value):
        (read.root / "secret").write_bytes(content)
        assert read({"from": "file", "path": "secret"}) == value

    @pytest.mark.parametrize("more", [b"x", b"\r\n", b"\n\n", b"x\r\n" + b"y" * 70_000])
    def test_too_large(self, read, more):
        (read.root / "secret").write_bytes(b"x" * MAX_BYTES + more)
        if more == b"\r\n":
            assert len(read({"from": "file", "path": "secret"})) == MAX_BYTES
        else:
            assert "larger than 64 KiB" in missing(read, {"from": "file", "path": "secret"}).message

    def test_one_that_grows_without_an_end_is_not_read_to_it(self, read):
        with (read.root / "huge").open("wb") as file:
            file.truncate(1 << 40)
        assert "larger than 64 KiB" in missing(read, {"from": "file", "path": "huge"}).message

    @pytest.mark.parametrize("content", [b"", b"\n", b"\r\n"])
    def test_empty(self, read, content):
        (read.root / "secret").write_bytes(content)
        assert "is empty" in missing(read, {"from": "file", "path": "secret"}).message

    def test_below_the_root_also_by_links_and_dots(self, read):
        (read.root / "envs" / "deep").mkdir(parents=True)
        (read.root / "secret").write_text(CANARY)
        (read.root / "envs" / "link").symlink_to("../secret")
        (read.root / "envs" / "folder").symlink_to(read.root / "envs" / "deep")
        (read.root / "envs" / "deep" / "other").write_text(CANARY)
        for path in ("secret", "./secret", "envs/../secret", "envs/link", "envs/folder/other"):
            assert read({"from": "file", "path": path}) == CANARY.encode()

    def test_the_root_may_be_a_link(self, read, tmp_path):
        (read.root / "secret").write_text(CANARY)
        (tmp_path / "link").symlink_to(read.root)
        assert Sources(tmp_path / "link", ENVIRON).read("x", {"from": "file", "path": "secret"}) == CANARY.encode()

    @pytest.mark.parametrize("path", ["../outside", "link", "folder/outside", "envs/../../outside", "chain"])
    def test_outside_the_root(self, read, tmp_path, path):
        (tmp_path / "outside").write_text(CANARY)
        (read.root / "envs").mkdir()
        (read.root / "link").symlink_to(tmp_path / "outside")
        (read.root / "folder").symlink_to(tmp_path)
        (read.root / "chain").symlink_to("link")
        error = missing(read, {"from": "file", "path": path})
        assert "is outside the project" in error.message
        assert "absolute path" in error.hint

    def test_an_absolute_path_says_that_it_leaves_the_root(self, read, tmp_path):
        (tmp_path / "..data").mkdir()
        (tmp_path / "..data" / "x").write_text(CANARY + "\n")
        (tmp_path / "x").symlink_to("..data/x")
        assert read({"from": "file", "path": str(tmp_path / "x")}) == CANARY.encode()

    @pytest.mark.parametrize("swapped", ["envs", "envs/secret"])
    def test_one_swapped_for_a_link_while_we_look(self, read, tmp_path, monkeypatch, swapped):
        (read.root / "envs").mkdir()
        (read.root / "envs" / "secret").write_text("ours")
        (tmp_path / "envs").mkdir()
        (tmp_path / "envs" / "secret").write_text(CANARY)
        resolve = files.Path.resolve

        def swap(path, strict=False):
            real = resolve(path, strict=strict)
            if path.name == "secret":
                (read.root / swapped).rename(read.root / "old")
                (read.root / swapped).symlink_to(tmp_path / swapped)
            return real

        monkeypatch.setattr(files.Path, "resolve", swap)
        missing(read, {"from": "file", "path": "envs/secret"})

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("nothing", "is not there"),
            ("regular/below", "is not there"),
            ("folder", "is a folder"),
            ("fifo", "is a named pipe"),
            ("socket", "is a socket or a device"),
            ("loop", "is a link that leads nowhere"),
            ("dangling", "is not there"),
            ("/dev/null", "is a device"),
            ("x" * 5000, "has too long a name"),
            (".", "is a folder"),
        ],
    )
    def test_what_is_no_file(self, read, path, reason):
        (read.root / "regular").touch()
        (read.root / "folder").mkdir()
        os.mkfifo(read.root / "fifo")
        (read.root / "loop").symlink_to("loop")
        (read.root / "dangling").symlink_to("nowhere")
        with socket.socket(socket.AF_UNIX) as listener:
            before = Path.cwd()
            os.chdir(read.root)  # a socket's path has a short limit
            listener.bind("socket")
            os.chdir(before)
            began = time.monotonic()
            assert reason in missing(read, {"from": "file", "path": path}).message
            assert time.monotonic() - began < HANG

    def test_one_that_may_not_be_read(self, open_folder, unprivileged):
        (open_folder / "secret").write_text(CANARY)
        (open_folder / "secret").chmod(0)
        sources = Sources(open_folder, ENVIRON)
        kind, message, hint = unprivileged(lambda: sources.read("x", {"from": "file", "path": "secret"}))
        assert (kind, message) == ("SecretMissing", "secret x has no value: the file secret may not be read")
        assert "let the user" in hint

    @pytest.mark.parametrize(
        "path", ["", "a\0b", None, 7, ["secret"], "\x1b[2J", "a\nb", "--help", "$(touch x)", "\ud800"]
    )
    def test_hostile_paths(self, read, path):
        missing(read, {"from": "file", "path": path})
        assert list(read.root.iterdir()) == []

    def test_no_descriptor_is_left_open(self, read):
        (read.root / "folder").mkdir()
        (read.root / "folder" / "secret").write_text("x")
        before = list(Path("/proc/self/fd").iterdir())
        read({"from": "file", "path": "folder/secret"})
        missing(read, {"from": "file", "path": "folder/none"})
        missing(read, {"from": "file", "path": "folder"})
        assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


class TestExec:
    def test_value(self, read):
        assert read(shell(f"echo {CANARY}")) == CANARY.encode()
        assert read(shell("printf 'a\\nb\\n'")) == b"a\nb\n"

    def test_it_runs_at_the_root_with_a_minimal_environment(self, read):
        assert read(shell("pwd -P")) == str(read.root.resolve()).encode()
        seen = read({"from": "exec", "command": ["env"]}, {"AWS_SECRET_ACCESS_KEY": CANARY, "TZ": "UTC"}).decode()
        assert set(seen.split("\n")) - {""} == {f"PATH={ENVIRON['PATH']}", "HOME=/nowhere", "TZ=UTC"}

    def test_a_command_of_the_project(self, read):
        (read.root / "get").write_text("#!/bin/sh\nprintf value-of-$1")
        (read.root / "get").chmod(0o755)
        assert read({"from": "exec", "command": ["./get", "db"]}) == b"value-of-db"

    @pytest.mark.parametrize("argument", ["$(touch x)", "; touch x", "`touch x`", "a b", "--", "'", "\n"])
    def test_no_shell(self, read, argument):
        assert read({"from": "exec", "command": ["printf", "[%s]", argument]}) == f"[{argument}]".encode()
        assert list(read.root.iterdir()) == []

    def test_what_it_wrote_before_it_failed_is_never_shown(self, read):
        error = missing(read, shell(f"echo {CANARY}; echo why {CANARY} >&2; exit 3".replace(CANARY, "c4nary''-s3cr3t")))
        assert "ended with exit code 3" in error.message

    def test_killed(self, read):
        assert "was ended by SIGKILL" in missing(read, shell("kill -KILL $$")).message

    def test_empty(self, read):
        assert "is empty" in missing(read, shell("exit 0")).message
        assert "is empty" in missing(read, shell("echo")).message

    def test_too_large(self, read):
        assert "larger than 64 KiB" in missing(read, shell("yes c4nary | head -c 200000")).message

    def test_much_on_the_error_stream_is_not_the_value(self, read):
        assert read(shell("yes noise | head -c 200000 >&2; echo value")) == b"value"

    def test_one_that_hangs(self, read):
        began = time.monotonic()
        error = missing(read, shell("exec sleep 600", timeout="300ms"))
        assert "did not end within 0.3 s" in error.message
        assert time.monotonic() - began < HANG

    def test_one_that_waits_for_input(self, read):
        assert "is empty" in missing(read, {"from": "exec", "command": ["cat"]}).message

    def test_ten_seconds_where_nothing_is_said(self, read, monkeypatch):
        given = []
        run = processes.run
        monkeypatch.setattr(processes, "run", lambda argv, **k: given.append(k["timeout"]) or run(argv, **k))
        read(shell("echo x"))
        read(shell("echo x", timeout="1m"))
        read(shell("echo x", timeout=2))
        assert given == [10.0, 60.0, 2.0]

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (["no-such-command"], "was not found"),
            (["./folder"], "is not executable"),
            ([""], "is empty"),
            (["true", "a\0b"], "cannot be passed on"),
        ],
    )
    def test_one_that_cannot_start(self, read, command, reason):
        (read.root / "folder").mkdir()
        assert reason in missing(read, {"from": "exec", "command": command}).message

    @pytest.mark.parametrize("command", [None, [], "echo x", [1], {"a": "b"}])
    def test_no_command(self, read, command):
        assert "needs a `command`" in missing(read, {"from": "exec", "command": command}).message

    @pytest.mark.parametrize("timeout", ["x", "", "10", "-1s", 0, -1, True, [1], float("nan"), "0s"])
    def test_no_timeout(self, read, timeout):
        assert "`timeout` is not a time" in missing(read, shell("echo x", timeout=timeout)).message


@pytest.mark.parametrize("kind", ["vault", "", None, 7, ["env"], "\x1b[2J"])
def test_an_unknown_source(read, kind):
    assert "there is no source" in missing(read, {"from": kind}).message


class TestRemembered:
    def test_each_secret_is_read_once(self, read, tmp_path):
        count = shell("echo . >> count; wc -l < count")
        once = Remembered(Sources(read.root, ENVIRON))
        assert [once.read("a", count), once.read("a", dict(count)), once.read("b", count)] == [b"1", b"1", b"2"]
        assert once.read("a", shell("echo other")) == b"other"

    def test_a_failure_is_remembered_too(self, read):
        fails = shell("echo . >> count; exit 1")
        once = Remembered(Sources(read.root, ENVIRON))
        told = []
        for _ in range(2):
            with pytest.raises(SecretMissing) as caught:
                once.read("a", fails)
            told.append((caught.value.message, caught.value.hint))
        assert told[0] == told[1]
        assert (read.root / "count").read_text() == ".\n"

    def test_it_knows_what_was_read(self, read):
        once = Remembered(Sources(read.root, {**ENVIRON, "X": "one", "Y": "two"}))
        assert once.known() == ()
        once.read("a", {"from": "env", "name": "X"})
        once.read("b", {"from": "env", "name": "Y"})
        with pytest.raises(SecretMissing):
            once.read("c", {"from": "env", "name": "Z"})
        assert once.known() == (b"one", b"two")

    def test_no_value_in_its_repr(self, read):
        once = Remembered(Sources(read.root, {"X": CANARY}))
        once.read("a", {"from": "env", "name": "X"})
        assert CANARY not in repr(once)
