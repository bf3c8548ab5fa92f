"""Completion: what is offered, for each place on the line, in each shell; and that it never fails aloud."""

import importlib
import os
import shutil
import subprocess
import sys

import pytest

from releaser.cli import completing
from releaser.cli.parsing import command_of
from releaser.cli.table import VERBS


def offered(cli, *words):
    ran = cli.ok("__complete", *words)
    assert not ran.err
    return [line.partition("\t")[0] for line in ran.out.splitlines()]


def test_verbs_are_offered_with_their_help(cli):
    ran = cli.ok("__complete", "re")

    assert ran.out.splitlines() == [
        "reconcile\tPut the recorded state back over drift, or accept the drift",
        "resume\tFinish an interrupted delivery",
        "releases\tList the registered releases, and how far each has come",
        "render\tShow the resources as the engine would get them",
    ]
    assert offered(cli, "") == list(dict.fromkeys(name.split()[0] for name in VERBS))
    assert offered(cli, "lock", "") == ["status", "break"]
    assert offered(cli, "-C", ".", "--json", "lock", "b") == ["break"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["promote", "v1", "--to", ""], ["test", "staging", "production"]),
        (["promote", "--to", "s"], ["staging"]),
        (["status", "--env", "test,"], ["test,staging", "test,production"]),
        (["status", "--env", "test,st"], ["test,staging"]),
        (["resume", ""], ["test", "staging", "production"]),
        (["diff", "test", "st"], ["staging"]),
        (["promote", ""], ["v1.4", "v1.3"]),
        (["plan", "--to", "test", "v1.3"], ["v1.3"]),
        (["rollback", "--to", "test", "--release", ""], ["v1.4", "v1.3"]),
        (["releases", "show", ""], ["v1.4", "v1.3"]),
        (["releases", ""], ["show"]),
        (["apply", ""], [":files"]),
        (["plan", "v1.3", "--out", ""], [":files"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["status", "--color", "a"], ["auto", "always"]),
        (["status", "-o", "j"], ["json"]),
        (["promote", "v1.3", "-m", ""], []),
        (["promote", "v1.3", ""], []),
        (["nothing", ""], []),
        (["--vers"], ["--version"]),
    ],
)
def test_what_is_offered(cli, words, expected):
    cli.promote("v1.3", "test")
    cli.promote("v1.4", "test")

    assert offered(cli, *words) == expected


def test_a_verbs_options_are_offered(cli):
    assert offered(cli, "promote", "v1", "--d") == ["--dry-run", "--directory", "--debug"]
    assert "--accept" in offered(cli, "reconcile", "--")
    assert "--help" in offered(cli, "reconcile", "--")


KINDS = {
    "ENV": "ENV",
    "ENV[/REVISION]": "ENV/REVISION",
    "LEFT": "ENV/REVISION",
    "RIGHT": "ENV/REVISION",
    "RELEASE": "RELEASE",
    "[RELEASE]": "RELEASE",
    "FILE": "FILE",
    "SHELL": "SHELL",
    "[NAME]": "SCHEMA",
}


@pytest.mark.parametrize("name", VERBS)
def test_the_table_of_arguments_is_what_the_verbs_take(name):
    command = command_of(name, importlib.import_module(VERBS[name].module(name)).Options)
    arguments = [p.metavar for p in command.params if p.param_type_name == "argument"]
    known = [KINDS[word] for word in arguments if word in KINDS]
    valued = {option for p in command.params if not getattr(p, "is_flag", True) for option in p.opts}

    assert list(completing.ARGUMENTS.get(name, ())) == known
    assert valued <= {*completing.VALUES, *completing.WORDS, *completing.OPAQUE}


def test_whatever_is_wrong_nothing_is_said(cli, bare, tmp_path):
    cli.promote("v1.3", "test")
    for break_it in (
        lambda: cli.write("envs/pipeline.yaml", "environments: ["),
        lambda: cli.write("envs/pipeline.yaml", "[]"),
        lambda: cli.write("envs/pipeline.yaml", "history: postgresql://nowhere/x\nenvironments: {}\n"),
        lambda: cli.write(".release/history.db", "no database"),
        lambda: shutil.rmtree(cli.root / "envs"),
    ):
        break_it()
        for words in (["promote", ""], ["promote", "v1", "--to", ""]):
            ran = cli("__complete", *words)
            assert (ran.out, ran.err) == ("", "")


def test_a_key_does_not_make_a_history(cli):
    assert offered(cli, "promote", "") == []
    assert not (cli.root / ".release").exists()


@pytest.fixture
def path(tmp_path):
    """A PATH on which the command is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "release"
    command.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; from releaser.cli.main import main; sys.exit(main())" "$@"\n'
    )
    command.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("release prom", ["promote"]),
        ("release promote v1.3 --to st", ["staging"]),
        ("release lock ", ["status", "break"]),
    ],
)
def test_bash_completes(cli, path, line, expected):
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(release completion bash)"\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
        '_release; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )

    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=cli.root,
        env={**os.environ, "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )

    assert ran.stdout.split() == expected
    assert not ran.stderr


def test_bash_leaves_files_to_itself(cli, path):
    script = (
        'eval "$(release completion bash)"\ncompopt() { echo "compopt $1 $2"; }\n'
        "COMP_WORDS=(release apply ''); COMP_CWORD=2\n_release\n"
    )

    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=cli.root,
        env={**os.environ, "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )

    assert ran.stdout == "compopt -o default\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_the_script(cli, path, shell):
    script = cli.ok("completion", shell).out

    assert "release __complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, check=True, text=True)


def test_schemas_images_and_deliveries_are_completed(cli):
    cli.promote("v1.3", "test")
    cli.promote("v1.4", "test")

    def words(*typed):
        return [line.partition("\t")[0] for line in cli.ok("__complete", *typed).out.splitlines()]

    assert words("schema", "pi") == ["pipeline"]
    assert words("create", "v1", "--image", "") == ["api=", "worker="]
    assert words("show", "te") == ["test"]
    assert words("show", "test/") == ["test/2", "test/1"]
    assert words("diff", "test/1", "test/2") == ["test/2"]
    assert words("show", "nowhere/") == []
    assert words("resume", "test/") == []
