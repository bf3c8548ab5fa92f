"""The fingerprint key: made once, kept to its user, never told."""

import multiprocessing
import os
import stat

import pytest

from releaser.model.errors import BadArgument, KeyUnavailable
from releaser.secrets import key as keys
from releaser.secrets.key import FILE, SHORTEST, VARIABLE, open_key

GIVEN = {VARIABLE: "0123456789abcdef-canary"}


def _open_and_sign(folder):
    key = open_key({}, folder)
    return key.id, key.sign("test1", "db", b"value")


class TestMade:
    def test_at_first_need_and_then_kept(self, tmp_path):
        folder = tmp_path / "a" / "b"
        first, second = open_key({}, folder), open_key({}, folder)
        assert first.id == second.id
        assert first.sign("test1", "db", b"value") == second.sign("test1", "db", b"value")
        assert [path.name for path in folder.iterdir()] == [FILE]
        assert len(bytes.fromhex((folder / FILE).read_text())) == 32

    def test_nobody_else_may_read_it(self, tmp_path):
        before = os.umask(0)
        try:
            open_key({}, tmp_path / "new")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700

    def test_each_is_another(self, tmp_path):
        assert open_key({}, tmp_path / "a").id != open_key({}, tmp_path / "b").id

    def test_several_at_once_agree(self, tmp_path):
        with multiprocessing.get_context("fork").Pool(8) as pool:
            answers = pool.map(_open_and_sign, [tmp_path / "new"] * 32, chunksize=1)
        assert len(set(map(repr, answers))) == 1
        assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE]

    def test_the_slower_of_two_takes_the_key_of_the_faster(self, tmp_path, monkeypatch):
        link = os.link

        def slower(source, target):
            (tmp_path / FILE).write_text("the-key-of-the-faster-one")
            (tmp_path / FILE).chmod(0o600)
            link(source, target)

        monkeypatch.setattr(os, "link", slower)
        key = open_key({}, tmp_path)
        assert key.id == open_key({VARIABLE: "the-key-of-the-faster-one"}).id
        assert [path.name for path in tmp_path.iterdir()] == [FILE]

    def test_it_is_on_disk_before_it_has_its_name(self, tmp_path, monkeypatch):
        calls = []
        fsync, link = os.fsync, os.link
        monkeypatch.setattr(os, "fsync", lambda fd: calls.append("fsync") or fsync(fd))
        monkeypatch.setattr(os, "link", lambda a, b: calls.append("link") or link(a, b))
        open_key({}, tmp_path)
        assert calls == ["fsync", "link", "fsync"]

    def test_in_the_users_data_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        key = open_key({})
        assert key.source.startswith(str(tmp_path))
        assert key.source.endswith(f"releaser/{FILE}")


class TestGiven:
    def test_no_file_is_made(self, tmp_path):
        key = open_key(GIVEN, tmp_path / "none")
        assert key.source == VARIABLE
        assert list(tmp_path.iterdir()) == []

    def test_a_copy_of_the_file_is_the_same_key(self, tmp_path):
        made = open_key({}, tmp_path)
        for text in ((tmp_path / FILE).read_text(), (tmp_path / FILE).read_text().strip()):
            assert open_key({VARIABLE: text}).id == made.id

    @pytest.mark.parametrize("short", ["", "x" * (SHORTEST - 1), " " * 40, "tiny-one\n"])
    def test_too_short(self, short):
        with pytest.raises(BadArgument, match=f"{VARIABLE} is shorter than 16 bytes") as caught:
            open_key({VARIABLE: short})
        assert "openssl rand" in caught.value.hint
        assert not short.strip() or short.strip() not in str(caught.value) + caught.value.hint

    def test_bytes_that_are_no_text(self):
        assert open_key({VARIABLE: os.fsdecode(b"\xff" * 32)}).sign("e", "n", b"v").fingerprint


class TestSign:
    def test_it_tells_values_names_environments_and_keys_apart(self):
        key, other = open_key(GIVEN), open_key({VARIABLE: "another-key-of-24-bytes."})
        seen = {
            key.sign("test1", "db", b"value").fingerprint,
            key.sign("test1", "db", b"other").fingerprint,
            key.sign("test1", "api", b"value").fingerprint,
            key.sign("test2", "db", b"value").fingerprint,
            other.sign("test1", "db", b"value").fingerprint,
        }
        assert len(seen) == 5
        assert key.sign("test1", "db", b"value").key == key.id != other.id

    def test_the_key_is_told_by_nothing(self):
        key = open_key(GIVEN)
        assert "canary" not in f"{key!r} {key} {key.id} {key.sign('e', 'n', b'v')}"
        assert len(key.id) == 8


class TestRefused:
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620])
    def test_one_that_others_may_read_or_write(self, tmp_path, mode):
        open_key({}, tmp_path)
        (tmp_path / FILE).chmod(mode)
        with pytest.raises(BadArgument, match="may be read by others") as caught:
            open_key({}, tmp_path)
        assert caught.value.hint == f"chmod 600 {tmp_path / FILE}"
        (tmp_path / FILE).chmod(0o600)
        open_key({}, tmp_path)

    def test_one_that_is_cut(self, tmp_path):
        (tmp_path / FILE).touch(mode=0o600)
        with pytest.raises(BadArgument, match="shorter than 16 bytes") as caught:
            open_key({}, tmp_path)
        assert "remove" in caught.value.hint


class TestUnavailable:
    def test_a_folder_that_cannot_be_written(self, open_folder, unprivileged):
        kind, message, hint = unprivileged(lambda: open_key({}, open_folder).id)
        assert kind == "KeyUnavailable"
        assert "Permission denied" in message
        assert VARIABLE in hint

    def test_a_file_that_cannot_be_read(self, open_folder, unprivileged):
        (open_folder / FILE).write_text("0123456789abcdef")
        (open_folder / FILE).chmod(0)
        kind, message, _ = unprivileged(lambda: open_key({}, open_folder).id)
        assert kind == "KeyUnavailable"
        assert "Permission denied" in message

    def test_a_file_in_the_place_of_the_folder(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(KeyUnavailable, match="cannot be read or made"):
            open_key({}, tmp_path / "file")

    @pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
    def test_something_else_under_its_name(self, tmp_path, make):
        make(tmp_path / FILE)
        with pytest.raises(KeyUnavailable, match="it is not a file"):
            open_key({}, tmp_path)

    def test_a_file_system_without_links_leaves_nothing_behind(self, tmp_path, monkeypatch):
        def unsupported(*_):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(keys.os, "link", unsupported)
        with pytest.raises(KeyUnavailable, match="Operation not permitted"):
            open_key({}, tmp_path)
        assert list(tmp_path.iterdir()) == []
