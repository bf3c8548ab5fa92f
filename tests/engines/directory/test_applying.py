import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from releaser.engines.directory import folder as folders
from releaser.engines.directory.engine import DirectoryEngine
from releaser.model.errors import ApplyFailed, EngineUnreachable, ReleaseError
from releaser.model.event import Point
from releaser.model.plan import CREATE, Change
from releaser.model.resource import EMPTY, Resource
from releaser.planning import drift, fingerprint
from releaser.ports import Desired, Work
from tests.conftest import unavailable
from tests.contracts.engine_contract import (
    SCOPE,
    Delivering,
    Running,
    Silent,
    Values,
    environment,
    fingerprints,
    first,
    inventory_after,
    mark,
    release,
    second,
    wanted,
)
from tests.permissions import permissions_count

FAILING = ("fsync", "rename", "mkdir", "unlink", "open", "rmdir")


def services_of(folder: Path) -> bytes | None:
    return (folder / "compose.yaml").read_bytes() if (folder / "compose.yaml").exists() else None


def staged(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.endswith(".release-staged")]


@contextmanager
def failing(call: str, number: int, error: int = errno.ENOSPC) -> Iterator[list[int]]:
    """The `number`th call from now fails; gives how many are left until then."""
    real, left = getattr(os, call), [number]

    def scripted(*args: object, **named: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(error, os.strerror(error), args[0])
        return real(*args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders.os, call, scripted)
        yield left


@pytest.mark.parametrize("call", FAILING)
@pytest.mark.parametrize("base", ["first", "nothing"])
def test_every_call_that_fails_leaves_before_or_after(lab, delivering, call: str, base: str) -> None:
    if base == "first":
        delivering.deliver(first())
    before, content = services_of(lab.folder), lab.content()
    work = delivering.work(delivering.render(second()).resources)
    number = 0
    while True:
        number += 1
        with failing(call, number) as left:
            failed = outcome(lambda: lab.engine().apply(work, Values(), Running(), Silent()))
        if failed is not None:
            assert isinstance(failed, ApplyFailed)
            assert re.match(rf"cannot write (deploy|{lab.root}).*: No space left on device", failed.message)
            assert "free some space" in (failed.hint or "")
            assert staged(lab.root) == [] or call == "unlink"
        after = services_of(lab.folder)
        observation = lab.engine().observe(SCOPE, EMPTY)
        live = {name: value for name, value in fingerprints(observation).items() if name.startswith("service/")}
        if after == before:
            assert live == ({} if base == "nothing" else _services(delivering.render(first()).resources))
        else:
            assert live == _services(work_resources(work))
        assert all("error" not in item.body for item in observation.resources.values())
        if left[0] > 0:
            break
        if after == before and call != "unlink":
            assert lab.content() == content
    assert number > 1 or call in {"unlink", "rmdir", "mkdir"}
    assert fingerprints(lab.engine().observe(SCOPE, EMPTY)) == wanted(work_resources(work))


def outcome(act: Callable[[], None]) -> ReleaseError | None:
    try:
        act()
    except ReleaseError as error:
        return error
    return None


def work_resources(work: Work) -> tuple[Resource, ...]:
    return tuple(desired.resource for desired in work.desired)


def _services(resources: tuple[Resource, ...]) -> dict[str, str]:
    return {name: value for name, value in wanted(resources).items() if name.startswith("service/")}


def test_an_error_of_who_watches_is_not_the_engine_s(lab, delivering) -> None:
    class Pipe:
        def event(self, event: object) -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    before = lab.content()
    with pytest.raises(BrokenPipeError):
        lab.engine().apply(delivering.work(delivering.render(first()).resources), Values(), Running(), Pipe())
    assert lab.content() == before


def test_what_is_staged_is_taken_back_where_it_stops(lab, delivering) -> None:
    delivering.deliver(first())
    before = lab.content()
    with pytest.raises(KeyboardInterrupt):
        lab.engine().apply(delivering.work(delivering.render(second()).resources), Values(), Running(), _Interrupting())
    assert lab.content() == before


class _Interrupting:
    def event(self, event: object) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_right_after_the_commit_takes_nothing_back(lab, delivering) -> None:
    delivering.deliver(first())
    real = os.rename
    work = delivering.work(delivering.render(second()).resources)

    def interrupted(source: str, target: str, **named: int) -> None:
        real(source, target, **named)
        if target == "compose.yaml":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders.os, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lab.engine().apply(work, Values(), Running(), Silent())
    live = fingerprints(delivering.observe())
    assert {name: live[name] for name in wanted(work_resources(work))} == wanted(work_resources(work))


def test_the_points_are_told_in_their_order(lab, delivering) -> None:
    seen: list[tuple[Point, bytes | None, int]] = []

    class Looking:
        def event(self, event) -> None:
            seen.append((event.point, services_of(lab.folder), len(list(lab.configs.iterdir()))))

    delivering.deliver(first())
    before = services_of(lab.folder)
    lab.engine().apply(delivering.work(delivering.render(second()).resources), Values(), Running(), Looking())
    after = services_of(lab.folder)
    assert seen == [(Point.STAGED, before, 2), (Point.COMMITTED, after, 2), (Point.PRUNED, after, 1)]


def test_what_a_killed_run_has_left_is_unseen_and_swept(lab, delivering) -> None:
    delivering.deliver(first())
    content = lab.content()
    for left in (lab.folder / ".compose.yaml.release-staged", lab.configs / ".app.0123456789ab.release-staged"):
        left.write_text("half a fi")
    assert drift.detect(delivering.inventory, delivering.observe()) == ()
    delivering.bring_back(delivering.inventory)
    assert lab.content() == content


def test_links_within_the_folder_are_not_followed(lab, delivering, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    lab.folder.mkdir(parents=True)
    lab.configs.symlink_to(outside)
    for declared in (first(), environment(services={"api": {"image": "api"}})):
        work = delivering.work(delivering.render(declared).resources)
        if declared.configs:
            with pytest.raises(ApplyFailed, match="deploy/test1/config is a symbolic link, not a folder") as raised:
                lab.engine().apply(work, Values(), Running(), Silent())
            assert "move it away" in (raised.value.hint or "")
            assert services_of(lab.folder) is None
        else:
            lab.engine().apply(work, Values(), Running(), Silent())
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert lab.configs.is_symlink()


def test_a_link_to_the_folder_is_the_operator_s(lab, delivering, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    lab.folder.parent.mkdir()
    lab.folder.symlink_to(tmp_path / "elsewhere")
    delivering.deliver(first())
    assert (tmp_path / "elsewhere" / "compose.yaml").exists()


def test_a_folder_with_files_where_a_file_has_to_be(lab, delivering) -> None:
    (lab.compose / "mine").mkdir(parents=True)
    work = delivering.work(delivering.render(first()).resources)
    with pytest.raises(ApplyFailed, match=r"cannot write deploy/test1/compose\.yaml") as raised:
        lab.engine().apply(work, Values(), Running(), Silent())
    assert "move it" in (raised.value.hint or "")
    assert (lab.compose / "mine").is_dir()
    assert list(lab.configs.iterdir()) == []


def test_nothing_of_ours_stays_where_nothing_is_wanted(lab, delivering) -> None:
    delivering.deliver(first())
    delivering.perform(delivering.work(()))
    assert list(lab.root.iterdir()) == []
    lab.engine().apply(delivering.work(()), Values(), Running(), Silent())
    assert list(lab.root.iterdir()) == []


def test_the_root_itself_is_never_removed(tmp_path: Path) -> None:
    engine = DirectoryEngine(tmp_path, ".")
    resources = engine.render(first(), release()).resources
    engine.apply(_creating(resources), Values(), Running(), Silent())
    assert (tmp_path / "compose.yaml").exists()
    engine.apply(_removing(resources, engine), Values(), Running(), Silent())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_outside_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    engine = DirectoryEngine(tmp_path / "project", str(tmp_path / "a" / "b"))
    resources = engine.render(first(), release()).resources
    engine.apply(_creating(resources), Values(), Running(), Silent())
    assert (tmp_path / "a" / "b" / "compose.yaml").exists()
    engine.apply(_removing(resources, engine), Values(), Running(), Silent())
    assert list((tmp_path / "a").iterdir()) == []  # what is above the folder there is the operator's


def _creating(resources: tuple[Resource, ...]) -> Work:
    changes = tuple(Change(resource=resource.id, action=CREATE) for resource in resources)
    desired = tuple(Desired(resource=resource) for resource in resources)
    return Work(mark=mark(1), desired=desired, changes=changes, base=EMPTY, wait=1.0)


def _removing(resources: tuple[Resource, ...], engine: DirectoryEngine) -> Work:
    base = inventory_after(engine.observe(SCOPE, EMPTY), resources, 1)
    return Work(mark=mark(2), desired=(), changes=(), base=base, wait=1.0)


@pytest.mark.parametrize("name", ["config/../../x", "config/", "config/..", "config/a\0b"])
def test_a_recorded_name_that_is_a_path(lab, name: str) -> None:
    resources = (
        Resource(id=name, body={"content": "x"}, fingerprint=""),
        Resource(id="service/a", body={}, fingerprint=""),
    )
    with pytest.raises(ApplyFailed, match="cannot be the name of a file"):
        lab.engine().apply(_creating(resources), Values(), Running(), Silent())
    assert list(lab.root.iterdir()) == []


@pytest.mark.parametrize("body", [{}, {"unused": True}, {"base64": "?"}, {"content": 7}, {"content": "a", "base64": 7}])
def test_a_recorded_config_without_content(lab, body: dict) -> None:
    with pytest.raises(ApplyFailed, match="config/a is recorded without its content"):
        lab.engine().apply(
            _creating((Resource(id="config/a", body=body, fingerprint=""),)), Values(), Running(), Silent()
        )
    assert list(lab.root.iterdir()) == []


def test_a_recorded_file_that_could_not_be_read(lab) -> None:
    broken = Resource(id="file/compose.yaml", body={"error": "it is a folder"}, fingerprint="")
    with pytest.raises(ApplyFailed, match="could not be read"):
        lab.engine().apply(_creating((broken,)), Values(), Running(), Silent())


def test_what_is_too_large(lab, delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    work = delivering.work(delivering.render(first()).resources)
    for limit, match in ((5, r"compose\.yaml would be larger"), (len("x" * 2000), "config/big is larger")):
        monkeypatch.setattr("releaser.engines.directory.applying.LIMIT", limit)
        big = Resource(id="config/big", body={"content": "x" * 3000}, fingerprint="")
        with pytest.raises(ApplyFailed, match=match):
            lab.engine().apply(work if limit == 5 else _creating((big,)), Values(), Running(), Silent())
    assert list(lab.root.iterdir()) == []


def test_another_program_that_writes_there(lab, delivering) -> None:
    class Meddling:
        def event(self, event) -> None:
            if event.point is Point.PRUNED:
                next(lab.configs.iterdir()).write_text("meddled")

    work = delivering.work(delivering.render(first()).resources)
    with pytest.raises(ApplyFailed, match=r"config/app\.\w{12} does not read back as it was written") as raised:
        lab.engine().apply(work, Values(), Running(), Meddling())
    assert "another program" in (raised.value.hint or "")


def test_a_binary_config(lab, delivering) -> None:
    delivering.deliver(environment(configs={"app": {"base64": "/wD+"}}, services={"api": {"image": "api"}}))
    (config,) = lab.configs.iterdir()
    assert config.read_bytes() == b"\xff\x00\xfe"
    assert config.name == "app." + fingerprint.of_bytes(b"\xff\x00\xfe")[7:19]
    assert drift.detect(delivering.inventory, delivering.observe()) == ()


def test_every_file_can_be_read_by_who_runs_compose(lab, delivering) -> None:
    delivering.deliver(first())
    files = [path for path in lab.folder.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}
    assert "value-of-password" not in str(lab.content())


# --- an operator who may not, and a disk that is full ---


@pytest.fixture
def plain_user() -> Iterator[None]:
    """Act as somebody for whom permissions count."""
    with permissions_count():
        yield


def test_a_folder_that_may_not_be_written(lab, delivering, plain_user) -> None:
    delivering.deliver(first())
    content = lab.content()
    work = delivering.work(delivering.render(second()).resources)
    lab.configs.chmod(0o555)
    with pytest.raises(ApplyFailed, match=r"cannot write deploy/test1/config/app\.\w+: Permission denied") as raised:
        lab.engine().apply(work, Values(), Running(), Silent())
    assert "the right to write" in (raised.value.hint or "")
    assert lab.content() == content
    lab.configs.chmod(0o755)
    lab.folder.chmod(0o555)
    with pytest.raises(ApplyFailed, match=r"cannot write deploy/test1/compose\.yaml: Permission denied"):
        lab.engine().apply(work, Values(), Running(), Silent())
    lab.folder.chmod(0o755)
    assert lab.content() == content
    lab.engine().apply(work, Values(), Running(), Silent())


def test_a_place_that_may_not_be_written(lab, delivering, plain_user) -> None:
    work = delivering.work(delivering.render(first()).resources)
    lab.root.chmod(0o555)
    with pytest.raises(ApplyFailed, match="cannot write deploy: Permission denied"):
        lab.engine().apply(work, Values(), Running(), Silent())
    lab.root.chmod(0o755)


def test_files_that_may_not_be_read(lab, delivering, plain_user) -> None:
    delivering.deliver(first())
    (config,) = lab.configs.iterdir()
    for path in (lab.compose, config, lab.configs, lab.folder):
        mode = path.stat().st_mode
        path.chmod(0)
        with pytest.raises(EngineUnreachable, match="Permission denied") as raised:
            delivering.observe()
        assert path.name in raised.value.message
        assert "the right to read" in (raised.value.hint or "")
        path.chmod(mode)
    assert delivering.observe().resources


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "tmpfs", place],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        unavailable(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.engines
def test_a_disk_that_is_full(small_disk: Path, lab_at, plain_user) -> None:
    lab = lab_at(small_disk)
    delivering = Delivering(lab)
    delivering.deliver(first())
    content = lab.content()
    big = environment(
        services={"api": {"image": "api", "configs": {"big": {}}}}, configs={"big": {"content": "x" * 100_000}}
    )
    work = delivering.work(delivering.render(big).resources)
    with pytest.raises(ApplyFailed, match=r"cannot write .*big\.\w+: No space left on device") as raised:
        lab.engine().apply(work, Values(), Running(), Silent())
    assert "free some space" in (raised.value.hint or "")
    assert lab.content() == content
    (small_disk / "rest").write_bytes(b"x" * 40_000)
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "more").write_bytes(b"x" * 40_000)
    with pytest.raises(ApplyFailed, match="No space left on device"):
        lab.engine().apply(delivering.work(delivering.render(second()).resources), Values(), Running(), Silent())
    (small_disk / "rest").unlink()
    (small_disk / "more").unlink()
    assert lab.content() == content
    delivering.deliver(second())


@pytest.mark.engines
def test_a_disk_that_is_read_only(small_disk: Path, lab_at) -> None:
    lab = lab_at(small_disk)
    delivering = Delivering(lab)
    delivering.deliver(first())
    work = delivering.work(delivering.render(second()).resources)
    same = delivering.work(delivering.render(first()).resources)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ApplyFailed, match="Read-only file system") as raised:
        lab.engine().apply(work, Values(), Running(), Silent())
    assert "mounted read-only" in (raised.value.hint or "")
    lab.engine().apply(same, Values(), Running(), Silent())  # going back to what is there needs no write
    assert drift.detect(delivering.inventory, delivering.observe()) == ()


def test_what_is_durable_when(lab, delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents before names, names before the commit, the commit before anything is removed."""
    delivering.deliver(first())
    work = delivering.work(delivering.render(second()).resources)
    order: list[str] = []

    def recorded(call: str, named: Callable[..., str]) -> None:
        real = getattr(os, call)

        def recording(*args, **named_args):
            done = real(*args, **named_args)
            order.append(f"{call} {named(*args)}")
            return done

        monkeypatch.setattr(folders.os, call, recording)

    recorded("fsync", lambda descriptor: Path(f"/proc/self/fd/{descriptor}").readlink().name)
    recorded("rename", lambda _source, target: target)
    recorded("unlink", lambda name: name)
    lab.engine().apply(work, Values(), Running(), Silent())
    new, old = (re.escape(name) for name in (_config_in(work), *_configs_of(delivering)))
    assert re.fullmatch(
        rf"fsync \.{new}\.release-staged,rename {new},fsync config,"
        rf"fsync \.compose\.yaml\.release-staged,rename compose\.yaml,fsync test1,unlink {old},fsync config",
        ",".join(order),
    ), order


def _config_in(work: Work) -> str:
    return next(d.resource.id for d in work.desired if d.resource.id.startswith("config/")).removeprefix("config/")


def _configs_of(delivering: Delivering) -> list[str]:
    return [name.removeprefix("config/") for name in delivering.inventory.items if name.startswith("config/")]
