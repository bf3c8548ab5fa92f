from collections.abc import Callable, Hashable
from pathlib import Path

import pytest
import yaml

from releaser.engines.directory.engine import DirectoryEngine
from releaser.ports import Engine
from tests.contracts.engine_contract import Delivering, NothingRuns


class DirectoryLab(NothingRuns):
    """A project with one delivered folder, and an editor for what is in it."""

    atomic = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "deploy" / "test1"
        self.compose = self.folder / "compose.yaml"
        self.configs = self.folder / "config"

    def engine(self) -> Engine:
        return DirectoryEngine(self.root, "deploy/test1")

    def document(self) -> dict:
        return yaml.safe_load(self.compose.read_text())

    def rewrite(self, change: object) -> None:
        document = self.document()
        change(document)
        self.compose.write_text(yaml.safe_dump(document))

    def edit(self, resource: str) -> str:
        kind, name = resource.split("/")
        if kind == "config":
            (self.configs / name).write_text("level = 99\n")
            return "content"
        self.rewrite(lambda document: document["services"][name].update(restart="always"))
        return "restart"

    def remove(self, resource: str) -> None:
        kind, name = resource.split("/")
        self.rewrite(lambda document: document[f"{kind}s"].pop(name))

    def add(self) -> str:
        self.rewrite(lambda document: document["services"].update(extra={"image": "busybox"}))
        return "service/extra"

    def content(self) -> Hashable:
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        return tuple((path.relative_to(self.root).as_posix(), path.read_bytes()) for path in files)

    def writes(self) -> Hashable:
        """Every inode with its times: a rename, a write and a removal each change some."""
        found = []
        for path in (self.root, *sorted(self.root.rglob("*"))):
            status = path.lstat()
            found.append((str(path), status.st_ino, status.st_mtime_ns, status.st_ctime_ns))
        return tuple(found)


@pytest.fixture
def lab(tmp_path: Path) -> DirectoryLab:
    root = tmp_path / "project"
    root.mkdir()
    return DirectoryLab(root)


@pytest.fixture
def delivering(lab: DirectoryLab) -> Delivering:
    return Delivering(lab)


@pytest.fixture
def lab_at() -> Callable[[Path], DirectoryLab]:
    return DirectoryLab
