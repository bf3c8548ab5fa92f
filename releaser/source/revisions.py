"""Revisions of git as code packages: which commit one names, and that commit's files as a tar.

What is archived depends on the commit alone: neither the repository's settings nor the user's are looked at, so no
filter runs. Other repositories are fetched by https or ssh, one commit deep, into the user's cache folder.
https://git-scm.com/docs/git-archive
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from releaser.model.errors import BadArgument, BuildFailed
from releaser.planning.redact import printable
from releaser.processes.run import Completed, NotStarted, minimal_environment, run
from releaser.scratch import scratch
from releaser.settings import cache_folder
from releaser.source.git import COMMIT, SETTINGS, TIMEOUT

Tell = Callable[[str], None]

_FETCH, _ARCHIVE = 900.0, 300.0
"""Seconds until another repository's commit is here, and its files are written."""
_LISTING = 64 << 20
_CONNECTION = (
    *("SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"),
)
_APART = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    # Attributes are apart from settings: the system's, and the user's where no setting names another file.
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.attributesFile",
    "GIT_CONFIG_VALUE_0": os.devnull,
}
_SUBMODULE = b"160000 "


def commit_of(root: Path, revision: str, repository: str | None, tell: Tell) -> str:
    """The commit that a revision names in the project's repository, or in another. Raises BadArgument, BuildFailed."""
    if repository is not None:
        with _room():
            return _fetched(repository, revision, tell)
    found = _known(root, revision)
    if found is None:
        raise BadArgument(
            f"git knows no revision {printable(revision)} in {root}",
            hint="see: git rev-parse --verify REVISION; or name the `repository` that has it",
        )
    return found


@contextmanager
def archived(root: Path, commit: str, repository: str | None, path: str | None) -> Iterator[IO[bytes]]:
    """A tar of the commit's files, or of those below a folder, as `git archive` writes it.

    Raises BadArgument for a folder that is not there, or that has a submodule; BuildFailed.
    """
    with ExitStack() as stack:
        with _room():
            folder = stack.enter_context(scratch())
            archive = stack.enter_context(
                _archived(folder, root if repository is None else _store(repository), commit, path)
            )
        yield archive


def _archived(folder: Path, at: Path, commit: str, path: str | None) -> IO[bytes]:
    objects = at / _said(["git", "rev-parse", "--git-path", "objects"], at)
    apart, file = folder / "git", folder / "archive.tar"
    form = "sha256" if len(commit) > len("0" * 40) else "sha1"
    _said(["git", "init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(apart)], folder)
    (apart / "objects" / "info").mkdir(exist_ok=True)
    (apart / "objects" / "info" / "alternates").write_text(f"{objects.resolve()}\n", encoding="utf-8")
    _refuse_missing(apart, commit, path)
    chosen = ["--", path] if path else []
    _said(["git", "archive", "--format=tar", f"--output={file}", commit, *chosen], apart, apart=True, time=_ARCHIVE)
    return file.open("rb")


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise BuildFailed(
            f"a package of git cannot be kept{where}: {error.strerror}", hint="make room there"
        ) from error


def _refuse_missing(apart: Path, commit: str, path: str | None) -> None:
    listing = _git(["git", "ls-tree", "-r", "-z", f"{commit}:{path or ''}"], apart, apart=True, limit=_LISTING)
    if listing.returncode != 0:
        raise BadArgument(f"there is no folder {path} in {commit[:12]}", hint="correct `path` of the package")
    inner = next((line for line in listing.stdout.split(b"\0") if line.startswith(_SUBMODULE)), None)
    if inner is not None:
        name = printable(inner.partition(b"\t")[2].decode(errors="replace"))
        raise BadArgument(
            f"{commit[:12]} has the submodule {name}, whose files are not part of it",
            hint="name a folder without it as `path` of the package, or build of a `context` where it is checked out",
        )


# --- another repository ---


def _fetched(repository: str, revision: str, tell: Tell) -> str:
    store = _store(repository)
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a shallow repository takes one fetch at a time
        if not store.exists():
            with scratch() as folder:
                made = folder / "git"
                _said(["git", "init", "--quiet", "--bare", "--template=", str(made)], store.parent)
                made.replace(store)  # whole, or not at all
        known = _known(store, revision) if COMMIT.match(revision) else None
        if known is not None:
            return known
        ref = f"refs/releaser/{hashlib.sha256(revision.encode()).hexdigest()[:16]}"
        words = ["git", "-c", "gc.auto=0", "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"]
        where = f"{printable(repository)} {printable(revision)}"
        done = _git(
            [*words, "--end-of-options", repository, f"+{revision}:{ref}"],
            store,
            time=_FETCH,
            heard=lambda _: tell(f"fetching {where}"),
        )
        if done.returncode != 0 or done.timed_out:
            why = f"it takes more than {_FETCH:g}s" if done.timed_out else _last(done)
            raise BuildFailed(f"{where} cannot be fetched: {why}", hint=f"see: git ls-remote {printable(repository)}")
        found = _known(store, ref)
    if found is None:
        raise BuildFailed(f"{where} is no commit", hint="name a branch, a tag, or a whole commit id")
    return found


def _store(repository: str) -> Path:
    return cache_folder() / "packages" / "git" / hashlib.sha256(repository.encode()).hexdigest()[:32]


# --- git ---


def _known(at: Path, revision: str) -> str | None:
    done = _git(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], at)
    found = done.stdout.decode(errors="replace").split()
    return found[-1] if done.returncode == 0 and found and COMMIT.match(found[-1]) else None


def _said(argv: Sequence[str], at: Path, *, apart: bool = False, time: float = TIMEOUT) -> str:
    done = _git(argv, at, apart=apart, time=time)
    if done.returncode != 0 or done.timed_out:
        raise BuildFailed(f"git {argv[1]}: {_last(done)}")
    return done.stdout.decode(errors="surrogateescape").strip("\n")


def _git(  # noqa: PLR0913 - one child's limits
    argv: Sequence[str],
    at: Path,
    *,
    apart: bool = False,
    time: float = TIMEOUT,
    limit: int = 65536,
    heard: Callable[[bytes], None] | None = None,
) -> Completed:
    """Run git in a repository; `apart`: without any settings but that repository's own."""
    kept: Mapping[str, str] = {name: os.environ[name] for name in _CONNECTION if name in os.environ}
    own = {**_APART, "GIT_DIR": str(at)} if apart else {"GIT_ALLOW_PROTOCOL": "https:ssh", **kept}
    env = minimal_environment({**SETTINGS, "GIT_LITERAL_PATHSPECS": "1", **own})
    try:
        return run(argv, timeout=time, env=env, cwd=at, limit=limit, heard=heard)
    except NotStarted as error:
        raise BadArgument(f"a package is of a git revision, and git {error.reason}", hint="install git") from error


def _last(done: Completed) -> str:
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    return printable(lines[-1].strip()) if lines else f"it {done.ending}"
