from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from releaser.declarations.loader import ProjectDeclarations
from releaser.model.errors import InvalidDeclarations, Problem

PIPELINE = """\
project: shop
images:
  api: registry.example.com/shop/api
  web: registry.example.com/shop/web
environments:
  test1: {layers: [base]}
  staging: {layers: [base], from: test1}
"""
BASE = """\
services:
  api: {image: api}
"""

Project = Callable[..., ProjectDeclarations]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Writes files, a small project where nothing else is said, and gives its declarations."""

    def write(files: Mapping[str, str | bytes] | None = None, **envs: str) -> ProjectDeclarations:
        wanted: dict[str, str | bytes] = {"envs/pipeline.yaml": PIPELINE, "envs/base.yaml": BASE}
        wanted.update({f"envs/{name}.yaml": text for name, text in envs.items()})
        wanted.update(files or {})
        for name, content in wanted.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ProjectDeclarations(tmp_path)

    return write


@pytest.fixture
def told() -> Callable[[tuple[Problem, ...]], list[str]]:
    """Problems as a person reads them; each has a place and something to do."""

    def told(problems: tuple[Problem, ...]) -> list[str]:
        assert all(problem.code == InvalidDeclarations.code for problem in problems)
        assert all(problem.locations and problem.hint for problem in problems)
        return [f"{' '.join(map(str, problem.locations))} {problem.message} | {problem.hint}" for problem in problems]

    return told
