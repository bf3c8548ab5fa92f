"""Copies of the sample shop: fresh, or with releases on their way through it."""

import os
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import MovableClock
from tests.end_to_end.shop import LONG, REPOSITORY, Shop, ended

_UNSET = (
    "CI",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "RELEASE_HISTORY",
    "RELEASE_OUTPUT",
    "RELEASE_COLOR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "PYTHONUTF8",
)


def surroundings(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """The environment of a person who has nothing of their own."""
    home.mkdir(exist_ok=True)
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / ".docker"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("RELEASE_BY", "ann")
    monkeypatch.setenv("RELEASE_FINGERPRINT_KEY", "a key for these tests alone")


def _copied(source: str, target: str) -> None:
    """Images are many files, and no test changes one in place: they are shared."""
    if f"{os.sep}images{os.sep}" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _opened(root: Path, monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> Shop:
    monkeypatch.chdir(root)
    monkeypatch.setattr("releaser.wiring.SystemClock", lambda: clock)
    return Shop(root, monkeypatch, clock)


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """v1.3 went to production yesterday, v1.4 to staging; made once, not to be changed."""
    base = tmp_path_factory.mktemp("prepared")
    root = base / "shop"
    shutil.copytree(REPOSITORY / "envs", root / "envs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        surroundings(monkeypatch, base / "home")
        shop = _opened(root, monkeypatch, MovableClock(datetime.now(UTC) - timedelta(days=1)))
        shop.promote("v1.3", "test1", "staging")
        shop.clock.move(minutes=1)
        shop.promote("v1.3", "production")
        shop.promote("v1.4", "test1", "staging")
    return root


@pytest.fixture
def shop_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _prepared: Path) -> Callable[..., Shop]:
    """`shop_at(FOLDER, fresh=…)`: a copy of the shop there, and the command in it."""
    surroundings(monkeypatch, tmp_path / "home")

    def copy(root: Path, *, fresh: bool = False) -> Shop:
        if fresh:
            shutil.copytree(_prepared / "envs", root / "envs", copy_function=_copied)
        else:
            shutil.copytree(_prepared, root, copy_function=_copied)
        return _opened(root, monkeypatch, MovableClock(datetime.now(UTC)))

    return copy


@pytest.fixture
def fresh(shop_at: Callable[..., Shop], tmp_path: Path) -> Shop:
    """The shop as it is cloned: nothing was delivered."""
    return shop_at(tmp_path / "shop", fresh=True)


@pytest.fixture
def shop(shop_at: Callable[..., Shop], tmp_path: Path) -> Shop:
    """v1.3 went through to production yesterday, v1.4 to test1 and staging."""
    return shop_at(tmp_path / "shop")


class Moment:
    """The `verify` of staging and production waits until it is told to go on: nobody has to guess how long it takes."""

    def __init__(self, shop: Shop) -> None:
        self.folder = shop.root.parent
        for name in ("began", "go"):
            os.mkfifo(self.folder / name)
        # Open for both ends, so that neither side waits for the other to open.
        self.began, self.go = (os.open(self.folder / name, os.O_RDWR | os.O_NONBLOCK) for name in ("began", "go"))
        smoke = shop.root / "envs/checks/smoke.sh"
        self.check = -1
        smoke.write_text('echo $$ >../began\nread -r word <../go\n[ "$word" = yes ] || exit 1\n' + smoke.read_text())

    def reached(self, process: subprocess.Popen[str]) -> None:
        """Wait until the process's delivery is being verified."""
        ends = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(self.began, select.POLLIN)
            poll.register(ends, select.POLLIN)
            happened = [descriptor for descriptor, _ in poll.poll(LONG * 1000)]
        finally:
            os.close(ends)
        if self.began not in happened:
            raise AssertionError(f"it did not get there: {ended(process)}")
        self.check = os.pidfd_open(int(os.read(self.began, 1000)))

    def passed(self) -> None:
        """Forget the checks that began without anybody waiting for them."""
        os.read(self.began, 1000)

    def let_go(self, word: str = "yes") -> None:
        """Let one check go on; any other word than yes fails it."""
        os.write(self.go, f"{word}\n".encode())

    def outlived(self) -> None:
        """Let the check go on that outlived its delivery, and wait for its end."""
        self.let_go()
        select.select([self.check], [], [], LONG)

    def close(self) -> None:
        """Let go of whoever may wait still."""
        os.write(self.go, b"no\n" * 20)
        if self.check >= 0:
            os.close(self.check)
        os.close(self.began)
        os.close(self.go)


@pytest.fixture
def moment(shop: Shop) -> Iterator[Moment]:
    """The shop whose deliveries to staging stop in the middle."""
    made = Moment(shop)
    yield made
    made.close()
