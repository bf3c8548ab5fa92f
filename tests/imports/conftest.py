"""What these tests share: a project out of texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from releaser.imports.checking import plain
from releaser.imports.declaring import Imported, Wishes, declare, translated
from releaser.imports.project import Project, Request, read
from releaser.imports.report import Report
from releaser.imports.settling import Decisions
from releaser.model.documents import LeftOut

Write = Callable[..., Path]


class Bench:
    """A folder with Compose files in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.left: dict[str, LeftOut] = {}

    def write(self, **texts: str) -> None:
        """Write files; `__` in a name is a folder, and `_` at the beginning a dot."""
        for name, text in texts.items():
            path = self.root / (name.replace("__", "/") if not name.startswith("_") else "." + name[1:])
            path = path if "." in path.name else path.with_suffix(".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def project(self, compose: str, *overrides: str, **how: Any) -> Project:
        """The project of a Compose file and what lies over it."""
        files = []
        for index, text in enumerate((compose, *overrides)):
            files.append(self.root / ("compose.yaml" if not index else f"above{index}.yaml"))
            files[-1].write_text(text)
        return read(Request(root=self.root, source=files[0], overrides=files[1:], **how))

    def layer(self, compose: str, *overrides: str, **how: Any) -> dict[str, Any]:
        """What it comes to, every variable filled in; what is left out is in `left`, by its path."""
        report = Report()
        found: dict[str, Any] = plain(translated(self.project(compose, *overrides, **how), report))
        self.left = {path: one for one in report.left() for path in one.paths}
        return found

    def service(self, words: str, **how: Any) -> dict[str, Any]:
        """What a service with these words comes to, without its image; volumes v, w and networks n, m are declared."""
        text = f"services: {{a: {{image: x, {words}}}, b: {{image: y}}}}\n"
        layer = self.layer(f"{text}volumes: {{vol: , wol: }}\nnetworks: {{net: , met: }}\n", **how)
        return {word: value for word, value in layer["services"]["a"].items() if word != "image"}

    def imported(
        self, compose: str, *, secret: tuple[str, ...] = (), plain: tuple[str, ...] = (), **how: Any
    ) -> Imported:
        """The declarations."""
        wishes = Wishes(
            project="shop",
            environments=("test1",),
            decisions=Decisions(secret=frozenset(secret), plain=frozenset(plain)),
        )
        return declare(self.project(compose, **how), wishes)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A folder of one's own; its name is `shop`."""
    root = tmp_path / "shop"
    root.mkdir()
    return Bench(root)
