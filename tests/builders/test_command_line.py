"""The docker command where it lacks what is needed."""

from pathlib import Path

import pytest

from releaser.builders.command_line import DockerCommand
from releaser.model.errors import BuildFailed


def docker(folder: Path, script: str) -> DockerCommand:
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
    return DockerCommand(None, {"PATH": f"{folder}:/usr/bin:/bin"})


def test_without_its_plugin(tmp_path: Path) -> None:
    """As docker 28 says it."""
    said = "echo 'docker: unknown command: docker buildx' >&2; echo >&2; echo \"Run 'docker --help'\" >&2; exit 1"
    with pytest.raises(BuildFailed, match=r"has no buildx: docker: unknown command: docker buildx$") as failed:
        docker(tmp_path, said).need_buildx()
    assert "builder: {kind: engine}" in str(failed.value.hint)


def test_with_its_plugin(tmp_path: Path) -> None:
    docker(tmp_path, '[ "$*" = "buildx version" ]').need_buildx()


def test_without_the_command(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="the docker command was not found"):
        DockerCommand(None, {"PATH": str(tmp_path)}).need_buildx()
