"""Where the project is, and where its history is."""

from pathlib import Path

import pytest

from releaser.settings import below, history_file, root_above


@pytest.mark.parametrize("file", ["envs/pipeline.yaml", ".release/history.db"])
def test_the_root_is_the_nearest_folder_upward(tmp_path: Path, file: str) -> None:
    for folder in (tmp_path, tmp_path / "a"):
        place = folder / file
        place.parent.mkdir(parents=True)
        place.touch()
        (folder / "b/c").mkdir(parents=True)

    assert root_above(tmp_path / "a/b/c") == root_above(tmp_path / "a") == tmp_path / "a"
    assert root_above(tmp_path / "b/c") == root_above(tmp_path) == tmp_path


def test_there_may_be_no_root(tmp_path: Path) -> None:
    (tmp_path / "envs/pipeline.yaml").mkdir(parents=True)

    assert root_above(tmp_path) is None


def test_only_sqlite_has_a_file(tmp_path: Path) -> None:
    assert history_file(tmp_path, "sqlite:a/b.db") == tmp_path / "a/b.db"
    assert history_file(tmp_path, "sqlite:/a/b.db") == Path("/a/b.db")
    for address in ("sqlite:", "a/b.db", "postgresql://h/x", ""):
        assert history_file(tmp_path, address) is None


def test_below_looks_through_links(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "else").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "else")

    assert below(tmp_path / "root", tmp_path / "root/history.db")
    assert not below(tmp_path / "root", tmp_path / "root/link/history.db")
    assert not below(tmp_path / "root", tmp_path / "rooted")
    assert not below(tmp_path / "root", None)
