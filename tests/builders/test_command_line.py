"""The docker command where it lacks what is needed."""

import time
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


def pipe(command: DockerCommand) -> str:
    return command.pipe(["save", "x"], ["load"], timeout=20, tell=lambda: None)


def test_what_one_prints_goes_to_the_other(tmp_path: Path) -> None:
    assert pipe(docker(tmp_path, 'if [ "$1" = save ]; then echo hello; else cat; fi')) == "hello\n"


def test_a_reader_that_fails_says_why(tmp_path: Path) -> None:
    script = 'if [ "$1" = save ]; then exec cat /dev/zero; else echo no space left on device >&2; exit 1; fi'
    began = time.monotonic()
    with pytest.raises(BuildFailed, match=r"^docker load: no space left on device$"):
        pipe(docker(tmp_path, script))
    assert time.monotonic() - began < 15, "the writer was waited for"


def test_a_writer_that_fails_says_why(tmp_path: Path) -> None:
    script = 'if [ "$1" = save ]; then echo no such image >&2; exit 1; else cat >/dev/null; fi'
    with pytest.raises(BuildFailed, match=r"^docker save x: no such image$"):
        pipe(docker(tmp_path, script))


def test_where_both_fail_both_are_told(tmp_path: Path) -> None:
    script = (
        'if [ "$1" = save ]; then echo no such image >&2; else cat >/dev/null; echo invalid archive >&2; fi; exit 1'
    )
    with pytest.raises(BuildFailed, match=r"^docker save x: no such image; docker load: invalid archive$"):
        pipe(docker(tmp_path, script))


def test_what_was_started_by_a_wrapper_ends_too(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="did not end within"):
        docker(tmp_path, "sleep 600; exit").pipe(["save"], ["load"], timeout=0.5, tell=lambda: None)


def test_proxies_and_logins_are_passed_on_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "docker").chmod(0o755)
    given = {"HTTPS_PROXY": "http://proxy", "AWS_PROFILE": "ci", "ACTIONS_RUNTIME_TOKEN": "t", "OTHER": "x"}
    said = DockerCommand(None, {"PATH": f"{tmp_path}:/usr/bin:/bin", **given}).said(["version"]).splitlines()
    assert {line.partition("=")[0] for line in said} >= given.keys() - {"OTHER"}
    assert "OTHER=x" not in said
