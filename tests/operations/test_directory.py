"""Operations on the engine `directory` with everything real but the person: the sample, its layouts, SQLite."""

import hashlib
import shutil
from pathlib import Path

import pytest

from releaser.declarations.loader import ProjectDeclarations
from releaser.model.errors import AcceptRefused, StalePlan
from releaser.model.event import Point
from releaser.operations import drift, promote, reconcile, rollback
from releaser.operations.execute import execute, propose
from releaser.settings import read
from releaser.wiring import Flags, open_workspace, project_root
from tests.crash.driver import Running, Watcher

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def deliver(tmp_path, monkeypatch):
    """`deliver(REQUEST)`: each in a workspace of its own, as each command has."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    shutil.copytree(REPOSITORY / "envs", tmp_path / "envs")

    def run(make, *arguments, **more):
        ws = open_workspace(read(), Flags(directory=tmp_path), Running(), Watcher(at=0, kill=False))
        try:
            first = (ws, *arguments) if make in {rollback.request, drift.of} else arguments
            asked = make(*first, **more)
            return asked if make is drift.of else execute(ws, asked, propose(ws, asked).plan)
        finally:
            ws.close()

    return run


def whole(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_rollback_gives_exactly_the_bytes_of_before(deliver, tmp_path):
    folder = tmp_path / "deploy" / "test1"
    deliver(promote.request, "test1", "v1.3")
    before = whole(folder)
    (tmp_path / "envs" / "files" / "features.ini").write_text("[features]\n")
    deliver(promote.request, "test1", "v1.4")
    after = whole(folder)
    assert after.keys() != before.keys()
    shutil.rmtree(tmp_path / "envs")
    assert deliver(rollback.request, "test1").outcome == "delivered"
    assert whole(folder) == before


def test_reconcile_gives_exactly_the_bytes_of_before(deliver, tmp_path):
    folder = tmp_path / "deploy" / "test1"
    deliver(promote.request, "test1", "v1.3")
    before = whole(folder)
    (folder / "compose.yaml").write_text("services: [")
    assert deliver(drift.of, "test1").clean is False
    with pytest.raises(AcceptRefused, match="cannot be read"):
        deliver(reconcile.request, "test1", accept=True)
    assert deliver(reconcile.request, "test1").outcome == "delivered"
    assert whole(folder) == before


def test_an_added_service_is_drift_and_goes(deliver, tmp_path):
    compose = tmp_path / "deploy" / "test1" / "compose.yaml"
    deliver(promote.request, "test1", "v1.3")
    compose.write_text(compose.read_text().replace("services:\n", "services:\n  mine: {image: busybox}\n"))
    found = deliver(drift.of, "test1")
    assert [(item.resource, item.kind) for item in found.items] == [("service/mine", "orphan")]
    deliver(promote.request, "test1", "v1.3")
    assert deliver(drift.of, "test1").clean is True
    assert "mine" not in compose.read_text()


def test_formatting_alone_is_drift(deliver, tmp_path):
    compose = tmp_path / "deploy" / "test1" / "compose.yaml"
    deliver(promote.request, "test1", "v1.3")
    before = compose.read_bytes()
    compose.write_bytes(before + b"# mine\n")
    (item,) = deliver(drift.of, "test1").items
    assert (item.resource, item.kind, item.fields[0].path) == ("file/compose.yaml", "changed", "formatting")
    deliver(reconcile.request, "test1")
    assert compose.read_bytes() == before


def test_what_was_taken_over_is_never_removed_by_a_failure(deliver, tmp_path):
    folder = tmp_path / "deploy" / "staging"
    deliver(promote.request, "test1", "v1.3")
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {legacy: {image: nginx}}\n")
    (tmp_path / "envs" / "checks" / "smoke.sh").write_text("exit 1\n")
    result = deliver(promote.request, "staging", "v1.3", adopt=True)
    assert (result.outcome, result.delivery.restored, result.delivery.current) == ("failed", None, None)
    assert "taken over from others cannot be brought back" in result.delivery.message
    assert (folder / "compose.yaml").exists()


def test_the_nearest_project_is_meant_also_without_declarations(tmp_path):
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "pipeline.yaml").write_text("project: outer\n")
    inner = tmp_path / "inner" / "deep"
    (inner.parent / ".release").mkdir(parents=True)
    (inner.parent / ".release" / "history.db").touch()
    inner.mkdir()
    assert project_root(read({}), Flags(directory=inner)) == tmp_path / "inner"


def test_a_history_somewhere_else_is_not_taken_for_none(deliver, tmp_path, monkeypatch):
    deliver(promote.request, "test1", "v1.3")
    monkeypatch.setenv("RELEASE_HISTORY", f"sqlite:{tmp_path}/missing/history.db")
    found = deliver(drift.of, "test1")
    assert found.clean is None
    assert "there is no folder" in found.error
    monkeypatch.setenv("RELEASE_HISTORY", f"sqlite:{tmp_path}/other.db")
    found = deliver(drift.of, "test1")
    assert found.clean is None
    assert "holds one of another history" in found.error
    assert deliver(drift.of, "test2").clean is True


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("deploy/test1/config", "lie within each other"),
        ("deploy", "lie within each other"),
        ("deploy/test1", "has the same target as"),
        ("envs", "beside envs/"),
        (".release/x", "beside .release/"),
        (".", "beside envs/"),
    ],
)
def test_targets_that_would_hurt_each_other(deliver, tmp_path, path, said):
    (tmp_path / "envs" / "test6.yaml").write_text(f"engine: {{kind: directory, path: {path}}}\n")
    problems = ProjectDeclarations(tmp_path).problems(["test6"])
    assert any(said in problem.message for problem in problems)
    assert ProjectDeclarations(tmp_path).problems(["test2"]) == () or path in {"deploy", "."}


def test_what_somebody_just_delivers_is_not_foreign(deliver, monkeypatch):
    """Seen once on a busy machine: a plan was made while another delivery's files lay there without its mark yet."""
    refused = []

    class Planning(Watcher):
        def event(self, event):
            if event.point is Point.STAGED and not refused:
                with pytest.raises(StalePlan, match="#1 is being delivered to test1 by") as told:
                    deliver(promote.request, "test1", "v1.4")
                refused.append(told.value)

    monkeypatch.setattr("tests.operations.test_directory.Watcher", Planning)
    assert deliver(promote.request, "test1", "v1.4").outcome == "delivered"
    assert [told.hint for told in refused] == ["look at what there is to do when it has ended: say the same again"]
    assert deliver(promote.request, "test1", "v1.4").outcome == "unchanged"
