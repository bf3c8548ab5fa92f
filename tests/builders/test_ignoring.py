"""What .dockerignore leaves out: as Docker does it, https://github.com/moby/patternmatcher."""

import os
from pathlib import Path

import pytest

from releaser.builders.ignoring import kept
from releaser.model.errors import BadArgument


def left_out(folder: Path, patterns: str | bytes, *names: str) -> set[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "Dockerfile").touch()
    (folder / ".dockerignore").write_bytes(patterns if isinstance(patterns, bytes) else patterns.encode())
    return set(names) - kept(folder, "Dockerfile")


@pytest.mark.parametrize(
    "pattern",
    [
        *(".env", "/.env", "./.env", " .env ", "sub/../.env", ".env/", ".env\r", "x\n.env", "!x\n.env"),
        *("*.env", "*env", ".e?v", ".[a-f]nv", "[.]env", ".e*", "*", "?env"),
        *("**/.env", "/**/.env", "**.env", ".env/**", "**", "**/*v", "**nv", "**/.e*"),
        *(r"\.env", r".e\nv", ".[^x]nv", r".[^\]x]nv", r".[\e]nv", ".[!e]nv", ".[a-cd-f]nv"),
    ],
)
def test_a_pattern_that_matches(tmp_path: Path, pattern: str) -> None:
    assert left_out(tmp_path, pattern, ".env") == ({".env"} if pattern != ".env/**" else set())


@pytest.mark.parametrize(
    "pattern",
    [".ENV", ".[^e]nv", ".[!x]nv", r".\*", r"\**", ".", "/", "../.env", "#.env", "*/.env", "env", ".en", "**/env", "?"],
)
def test_a_pattern_that_does_not(tmp_path: Path, pattern: str) -> None:
    assert left_out(tmp_path, pattern, ".env") == set()


@pytest.mark.parametrize("pattern", ["[", "[]", "a[^]", "[b-a]", "a\\", "!", "x[a"])
def test_a_pattern_that_is_none(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(BadArgument, match=r"\.dockerignore.*is no pattern"):
        left_out(tmp_path, f"a\n{pattern}\n")


def test_what_is_below_a_folder_that_is_left_out(tmp_path: Path) -> None:
    names = ("a/b/secrets/one", "a/b/secrets/deep/two", "a/b/secrets/public", "other/a")
    assert left_out(tmp_path, "**/secrets\n!a/b/secrets/public\n", *names) == set(names[:2])


def test_a_byte_order_mark(tmp_path: Path) -> None:
    assert left_out(tmp_path, b"\xef\xbb\xbf.env\nother\n", ".env", "other", "more") == {".env", "other"}


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    name = b"caf\xe9".decode(errors="surrogateescape")
    assert left_out(tmp_path, b"caf\xe9\n", name, "cafe") == {name}


@pytest.mark.parametrize(
    ("patterns", "kept_ones"),
    [
        ("*\n!**/*.go\n", {"main.go", "pkg/a.go", "pkg/sub/c.go"}),
        ("*\n!*/a.go\n", {"pkg/a.go"}),
        ("*\n!pkg/sub/*.go\n", {"pkg/sub/c.go"}),
        ("pkg\n!pkg/sub\n", {"main.go", "readme", "pkg/sub/c.go"}),
        ("**\n!pkg/s*\n", {"pkg/sub/c.go"}),
    ],
)
def test_exceptions_in_folders_that_are_left_out(tmp_path: Path, patterns: str, kept_ones: set[str]) -> None:
    names = {"main.go", "readme", "pkg/a.go", "pkg/b.txt", "pkg/sub/c.go"}
    assert names - left_out(tmp_path, patterns, *names) == kept_ones


def test_a_folder_in_which_nothing_can_be_kept_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(Path(path).name) or scandir(path))  # type: ignore[func-returns-value]
    left_out(tmp_path, "*\n!src/*.go\n", "src/a.go", "node_modules/deep/b.go")
    assert "src" in looked
    assert "node_modules" not in looked
