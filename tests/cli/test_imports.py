"""What a verb imports: nothing that it does not need, as a person waits for it."""

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys
from releaser.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write("MODULES " + json.dumps([code, sorted(sys.modules)]))
"""
ENGINES = ("releaser.engines.directory", "releaser.engines.memory", "docker", "kubernetes")
HEAVY = ("rich", "jsonschema", "requests", "urllib3", "asyncio", "pydantic", "releaser.registry")


@pytest.fixture
def modules(cli, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *words], cwd=cli.root, capture_output=True, text=True, check=False
        )
        code, found = json.loads(done.stderr.rpartition("MODULES ")[2])
        assert code == 0, done
        return found

    return run


def loaded(modules, *names):
    return [module for module in modules if any(module == name or module.startswith(f"{name}.") for name in names)]


@pytest.mark.parametrize(
    "words",
    [("status",), ("history",), ("history", "--json"), ("status", "-o", "yaml"), ("lock", "status"), ("releases",)],
)
def test_what_reads_the_record_loads_no_engine(cli, modules, words):
    cli.promote("v1.3", "test")

    found = modules(*words)

    assert loaded(found, *ENGINES, *HEAVY) == []
    assert "releaser.history.sqlite" in found


@pytest.mark.parametrize(
    "words", [("validate",), ("diff", "test", "staging"), ("explain", "api.image", "--env", "test"), ("schema", "plan")]
)
def test_what_reads_the_declarations_loads_no_engine_either(modules, words):
    assert loaded(modules(*words), *ENGINES, *HEAVY) == []
