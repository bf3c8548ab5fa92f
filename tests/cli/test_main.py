"""The front door, the table of verbs, and what every verb takes."""

import dataclasses
import importlib
import inspect
import json
import subprocess
import sys
from typing import get_type_hints

import pytest

from releaser import __version__
from releaser.cli.options import Options
from releaser.cli.parsing import command_of
from releaser.cli.table import SHARED_FLAGS, SHARED_VALUES, VERBS


def test_the_table_of_verbs(cli, golden):
    ran = cli.ok("--help")

    golden("help.txt", ran.out)
    assert cli.ok("-h").out == cli.ok("help").out == ran.out
    assert not ran.err


def test_without_a_verb_the_table_is_an_error(cli):
    ran = cli()

    assert (ran.code, ran.out, ran.err) == (64, "", cli.ok("--help").out)


def test_the_version(cli):
    assert cli.ok("--version").out == f"release {__version__}\n"
    assert cli.ok("version").out == f"release {__version__}\n"
    assert cli.json("version")["version"] == __version__


@pytest.mark.parametrize("name", VERBS)
def test_a_verbs_help_begins_with_its_line_of_the_table(name, cli):
    module = importlib.import_module(VERBS[name].module(name))

    assert inspect.getdoc(module.Options).splitlines()[0] == f"{VERBS[name].help}."
    assert issubclass(module.Options, Options)
    assert cli.ok(*name.split(), "--help").out.startswith(f"Usage: release {name} [OPTIONS]")
    assert cli.ok("help", *name.split()).out == cli.ok(*name.split(), "-h").out


def test_what_may_stand_before_the_verb_is_what_every_verb_takes():
    command = command_of("version", importlib.import_module("releaser.cli.version").Options)
    shared = {field.name for field in dataclasses.fields(Options)}
    options = [parameter for parameter in command.params if parameter.name in shared]

    assert {name for option in options if not option.is_flag for name in option.opts} == set(SHARED_VALUES)
    assert {name for option in options if option.is_flag for name in option.opts} == set(SHARED_FLAGS)
    assert shared <= get_type_hints(Options).keys()


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "json", "version"),
        ("version", "-o", "json"),
        ("version", "-ojson"),
        ("-ojson", "version"),
        ("--output=json", "version"),
        ("--json", "-v", "version", "-q"),
        ("-C", "elsewhere", "--color", "never", "--json", "version"),
    ],
)
def test_shared_options_stand_before_the_verb_and_after_it(cli, words):
    assert json.loads(cli.ok(*words).out)["schema"] == "releaser/version/v1"


def test_a_project_is_found_upward_and_by_name(cli, monkeypatch, tmp_path):
    cli.promote("v1.3", "test")
    monkeypatch.chdir(cli.root / "envs")
    here = cli.ok("plan", "v1.4", "--to", "test").out
    monkeypatch.chdir(tmp_path)
    outside = cli("plan", "v1.4", "--to", "test")

    assert cli.ok("-C", str(cli.root), "plan", "v1.4", "--to", "test").out == here
    assert cli.ok("plan", "v1.4", "--to", "test", "-C", "shop/images").out == here
    assert outside.code == 64
    assert outside.err.startswith("error: no `envs/pipeline.yaml` in")
    assert "release init" in outside.err


FRONT = [["--help"], ["--version"], ["help"], ["completion", "bash"], ["version"], ["__complete", "pro"]]
FORBIDDEN = (
    "rich",
    "jsonschema",
    "jsonschema_rs",
    "yaml",
    "requests",
    "sqlite3",
    "docker",
    "kubernetes",
    "asyncio",
    "releaser.wiring",
    "releaser.engines",
    "releaser.history",
    "releaser.registry",
)


@pytest.mark.parametrize("words", [*FRONT, ["__complete", "promote", "--to", ""]], ids=" ".join)
def test_what_needs_no_project_imports_none_of_its_edges(words, cli):
    allowed = {"yaml"} if "--to" in words else set()
    program = (
        "import sys; from releaser.cli.main import main; code = main(sys.argv[1:]); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)

    code, *modules = ran.stderr.split()
    assert code == "0"
    assert ran.stdout
    loaded = {name for name in FORBIDDEN if name in modules} - allowed
    assert not loaded
    assert len(modules) < 260


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["__complete", "pro"]], ids=" ".join)
def test_the_front_door_does_not_import_typer(words, cli):
    program = "import sys; from releaser.cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"

    ran = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)

    assert not {"typer", "msgspec", "dataclasses"} & set(ran.stderr.split())
