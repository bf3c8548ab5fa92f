"""Disks that are full, folders and files that may not be written: nothing half done, and a way on once it is mended."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Ran
from tests.conftest import unavailable
from tests.end_to_end.shop import Shop, plain
from tests.permissions import permissions_count

PROMOTE = ("promote", "v1.3", "--to", "staging", "--yes")
READING = (("status", "--live"), ("drift", "--all"), ("history",), ("show", "staging"), ("releases",), ("validate",))


def allowed(shop: Shop, *words: str) -> Ran:
    """Run it as somebody for whom permissions count."""
    with permissions_count():
        return shop(*words)


# --- what may not be written ---


@pytest.fixture
def forbidden() -> Iterator[Callable[..., None]]:
    """`forbidden(PATH, MODE)`: from now on; allowed again at the end."""
    changed: list[tuple[Path, int]] = []

    def change(path: Path, mode: int) -> None:
        changed.append((path, path.stat().st_mode & 0o777))
        path.chmod(mode)

    yield change
    for path, mode in reversed(changed):
        path.chmod(mode)


@pytest.mark.parametrize("what", ["deploy/staging", "deploy/staging/config", "deploy/staging/compose.yaml"])
def test_a_target_that_may_not_be_written(shop: Shop, forbidden: Callable[..., None], what: str) -> None:
    shop.write("envs/files/features.ini", "[features]\nanother = on\n")  # so that config/ is written too
    before = shop.kept()
    forbidden(shop.root / what, 0o400 if what.endswith(".yaml") else 0o500)
    ran = allowed(shop, *PROMOTE, "--json")
    if what.endswith(".yaml"):  # replaced by its folder's leave, as every rename
        assert ran.code == 0
        return
    assert ran.code in {1, 5}, ran
    assert shop.delivered() == before.delivered
    assert all(one.status in {"failed", "running", "interrupted"} for one in shop.grown(before))
    said = allowed(shop, *PROMOTE)
    assert said.code == ran.code
    assert "Permission denied" in said.out + said.err
    plain(said)
    (shop.root / what).chmod(0o700)
    shop.ok(*PROMOTE)
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")


def test_a_project_in_which_no_folder_may_be_made(fresh: Shop, forbidden: Callable[..., None]) -> None:
    forbidden(fresh.root, 0o500)
    ran = allowed(fresh, "promote", "v1.3", "--to", "test1", "--yes", "--json")
    assert ran.code == 5
    (problem,) = ran.document["errors"]
    assert problem["code"] == "history-unreachable"
    assert "Permission denied" in problem["message"]
    assert problem["hint"]
    assert sorted(path.name for path in fresh.root.iterdir()) == ["envs"]
    for words in (("status",), ("history",), ("plan", "v1.3", "--to", "test1"), ("validate",)):
        assert allowed(fresh, *words).code == 0


@pytest.mark.parametrize(("what", "mode"), [(".release/history.db", 0o400), (".release", 0o500)])
def test_a_history_that_may_not_be_written(shop: Shop, forbidden: Callable[..., None], what: str, mode: int) -> None:
    before = shop.kept()
    forbidden(shop.root / what, mode)
    for words in (*READING, ("plan", "v1.4", "--to", "production")):
        assert allowed(shop, *words).code == 0, words
    for words in (PROMOTE, ("create", "v1.5"), ("rollback", "--to", "staging", "--yes")):
        with permissions_count():
            shop.refused(*words, code=5, kind="history-unreachable", says="history.db")
    assert shop.kept() == before


@pytest.mark.parametrize(("what", "mode"), [(".release/history.db", 0o000), (".release", 0o000)])
def test_a_history_that_may_not_be_read(shop: Shop, forbidden: Callable[..., None], what: str, mode: int) -> None:
    forbidden(shop.root / what, mode)
    for words in (("status",), ("history",), PROMOTE):
        ran = allowed(shop, *words, "--json")
        assert ran.code == 5, ran
        assert ran.document["errors"][0]["code"] == "history-unreachable"
    assert allowed(shop, "validate").code == 0


@pytest.mark.parametrize("what", ["envs/base.yaml", "envs/files/features.ini", "envs/pipeline.yaml"])
def test_declarations_that_may_not_be_read(shop: Shop, forbidden: Callable[..., None], what: str) -> None:
    forbidden(shop.root / what, 0o000)
    with permissions_count():
        shop.refused(*PROMOTE, code=64, kind="invalid-declarations", says=what)
        assert shop("status").code == 0
        assert shop("rollback", "--to", "staging", "--yes").code == 0
    assert shop.standing("staging") == ("succeeded", "v1.3")


def test_a_delivered_folder_that_may_not_be_read(shop: Shop, forbidden: Callable[..., None]) -> None:
    forbidden(shop.root / "deploy/staging", 0o000)
    found = allowed(shop, "drift", "--all", "--json")
    assert found.code == 5
    by_name = {one["environment"]: one for one in found.document["environments"]}
    assert by_name["staging"]["clean"] is None
    assert "deploy/staging" in by_name["staging"]["error"]
    assert by_name["production"]["clean"] is True
    with permissions_count():
        shop.refused(*PROMOTE, code=5, kind="engine-unreachable", says="deploy/staging")


def test_a_plan_that_may_not_be_written(shop: Shop, forbidden: Callable[..., None]) -> None:
    folder = shop.root / "plans"
    folder.mkdir()
    forbidden(folder, 0o500)
    words = ("plan", "v1.4", "--to", "production", "--out", "plans/plan.json")
    with permissions_count():
        shop.refused(*words, code=64, kind="bad-argument", says="Permission denied")
    assert list(folder.iterdir()) == []


def test_a_plan_that_may_not_be_read(shop: Shop, forbidden: Callable[..., None]) -> None:
    shop.ok("plan", "v1.4", "--to", "production", "--out", "plan.json", "-q")
    forbidden(shop.root / "plan.json", 0o000)
    with permissions_count():
        shop.refused("apply", "plan.json", "--yes", code=64, kind="bad-argument", says="plan.json")


# --- disks that are full ---


class Disk:
    """A real disk of a few pages, filled to the last one; `free` gives some back."""

    def __init__(self, folder: Path) -> None:
        self.ballast = folder / ".ballast"
        with suppress(OSError), self.ballast.open("wb", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass
        assert shutil.disk_usage(folder).free == 0

    def free(self, pages: int) -> None:
        os.truncate(self.ballast, max(self.ballast.stat().st_size - pages * 4096, 0))


@pytest.fixture
def full() -> Iterator[Callable[[Path], Disk]]:
    """`full(FOLDER)`: the folder with what is in it, on a small disk that is full."""
    mounted: list[Path] = []

    def mount(folder: Path) -> Disk:
        kept = folder.with_name(folder.name + ".kept")
        folder.rename(kept)
        folder.mkdir()
        size = sum(-(-path.stat().st_size // 4096) + 1 for path in kept.rglob("*")) * 4096 + 64 * 4096
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            unavailable("only root may mount a small disk")
        mounted.append(folder)
        shutil.copytree(kept, folder, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(kept)
        return Disk(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_target_on_a_full_disk(shop: Shop, full: Callable[[Path], Disk]) -> None:
    """With a page more each time: it fails and is as before, until it succeeds."""
    shop.write("envs/files/features.ini", "".join(f"key{number} = value\n" for number in range(600)))
    disk = full(shop.root / "deploy")
    failures = 0
    for _ in range(40):
        before = shop.kept()
        ran = shop(*PROMOTE, "--json")
        plain(ran)
        new = shop.grown(before)
        if ran.code == 0:
            break
        failures += 1
        assert ran.code in {1, 5}, ran
        assert "No space left" in ran.out + ran.err
        assert [one.status for one in new] in (["failed"], ["interrupted"], ["running"], [])
        assert _without_ballast(shop) == {path: sha for path, sha in before.delivered.items() if path != ".ballast"}
        disk.free(1)
    assert ran.code == 0
    assert failures >= 3
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")
    shop.clean("production")


def _without_ballast(shop: Shop) -> dict[str, str]:
    return {path: sha for path, sha in shop.delivered().items() if path != ".ballast"}


def test_a_history_on_a_full_disk(shop: Shop, full: Callable[[Path], Disk]) -> None:
    """Full before the intent: nothing happened. Full after it: the next command that has space settles it."""
    disk = full(shop.root / ".release")
    first = shop.kept()
    refused = cut_off = 0
    for _ in range(80):
        before = shop.kept()
        ran = shop(*PROMOTE, "--json")
        plain(ran)
        new = shop.grown(before)
        if ran.code == 0:
            break
        assert ran.code in {1, 5}, ran
        if new:
            cut_off += 1
        else:
            refused += 1
            assert (ran.code, ran.document["errors"][0]["code"]) == (5, "history-unreachable")
            assert "space" in ran.document["errors"][0]["message"]
            assert shop.delivered() == before.delivered
        disk.free(1)
    assert ran.code == 0, ran
    assert refused >= 1
    for words in READING:
        shop.ok(*words)
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")
    assert shop.grown(first)


def test_a_plan_on_a_full_disk(shop: Shop, full: Callable[[Path], Disk]) -> None:
    folder = shop.root / "plans"
    folder.mkdir()
    disk = full(folder)
    words = ("plan", "v1.4", "--to", "production", "--out", "plans/plan.json")
    shop.refused(*words, code=64, kind="bad-argument", says="No space left")
    disk.free(1)
    shop.refused(*words, code=64, kind="bad-argument", says="No space left")
    assert [path.name for path in folder.iterdir()] == [".ballast"]
    disk.free(32)
    shop.ok(*words)
    shop.ok("apply", "plans/plan.json", "--yes")


def test_a_home_on_a_full_disk(shop: Shop, full: Callable[[Path], Disk]) -> None:
    """Without room for a key, changes of secrets are unknown; the delivery goes on."""
    full(shop.root.parent / "home")
    shop.monkeypatch.delenv("RELEASE_FINGERPRINT_KEY")
    ran = shop.ok(*PROMOTE)
    assert "changes of secrets cannot be told" in ran.out + ran.err
    shop.clean("staging")
