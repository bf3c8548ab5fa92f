"""Projects in the states from which deliveries are killed, made once and copied for each kill."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from releaser.declarations.loader import ProjectDeclarations
from tests.crash.driver import Watcher, deliver

REPOSITORY = Path(__file__).resolve().parents[2]
SCENARIOS = {
    # name → verb, environment, release, the number of kinds of points it must pass
    "first": ("promote", "staging", "v1.3"),
    "promote": ("promote", "staging", "v1.4"),
    "failing": ("promote", "staging", "v1.5"),
    "rollback": ("rollback", "staging", "-"),
    "reconcile": ("reconcile", "staging", "-"),
}


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No file of the person's own is read or written."""
    before = {name: os.environ.get(name) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    for name in before:
        os.environ[name] = str(tmp_path_factory.mktemp("home"))
    yield
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture(scope="session")
def prepared(home: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The root of a project from which the scenario starts; made once, not to be changed."""
    base = tmp_path_factory.mktemp("crash")
    _project(base / "first")
    _deliver(base / "first", "test1", "v1.3")
    shutil.copytree(base / "first", base / "promote")
    _deliver(base / "promote", "staging", "v1.3")
    _deliver(base / "promote", "test1", "v1.4")
    shutil.copytree(base / "promote", base / "rollback")
    _deliver(base / "rollback", "staging", "v1.4")
    shutil.copytree(base / "rollback", base / "reconcile")
    compose = base / "reconcile" / "deploy" / "staging" / "compose.yaml"
    compose.write_text(compose.read_text().replace('CACHE_TTL: "120"', 'CACHE_TTL: "1"'))
    assert 'CACHE_TTL: "1"' in compose.read_text()
    shutil.copytree(base / "rollback", base / "failing")
    _deliver(base / "failing", "test1", "v1.5")
    smoke = base / "failing" / "envs" / "checks" / "smoke.sh"
    smoke.write_text('[ "$RELEASE_VERSION" != v1.5 ] || { echo "smoke: no"; exit 1; }\n' + smoke.read_text())
    return lambda scenario: base / scenario


def _project(root: Path) -> None:
    shutil.copytree(REPOSITORY / "envs", root / "envs")
    ProjectDeclarations(root).pipeline()


def _deliver(root: Path, environment: str, release: str) -> None:
    assert deliver(root, "promote", environment, release, Watcher(at=0, kill=False)) == "delivered"


@pytest.fixture
def fresh(prepared: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a scenario's project, as often as it is asked for."""
    made = iter(range(10_000))

    def copy(scenario: str) -> Path:
        root = tmp_path / f"{scenario}-{next(made)}"
        shutil.copytree(prepared(scenario), root)
        return root

    return copy
