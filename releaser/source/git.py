"""What git says about the declarations: the commit, and whether they differ from it.

A repository may come from anybody, so nothing that it configures is run where git can be told so: no hook, no
fsmonitor, no credential prompt, no fetch of missing objects; and nothing is written, not even a refreshed index.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from releaser.model.delivery import DeclarationSource

if TYPE_CHECKING:
    from releaser.processes.run import Completed

TIMEOUT = 10.0
"""Seconds for one call of git."""

_FILES_A_CALL = 1000  # names that fit into one argument list, with room to spare
_MOST_LINKS = 40  # on the way to one file, as Linux has it
_LIMIT = 8 * 1024 * 1024
_SCP = re.compile(r"([A-Za-z0-9._-]+@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!/)([^\s]+)\Z")
COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_GIT = (
    *("git", "--no-optional-locks", "--literal-pathspecs"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z"),
    *("--untracked-files=all", "--ignored=matching", "--ignore-submodules=none", "--no-renames"),
)
SETTINGS = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}


class GitSource:
    """The git repository around the project's root, if there is one."""

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._environ = os.environ if environ is None else environ

    def describe(self, files: Sequence[str]) -> DeclarationSource | None:
        """HEAD, and whether any of these files is changed, staged, untracked or ignored.

        None outside a repository, before its first commit, without git, and where git refuses or does not answer.
        """
        commits, dirty = set(), False
        names = dict.fromkeys(name for file in files for name in _names(str(self._root), file))
        for some in _portions(tuple(names)):
            records = self._status(some)
            commit = _commit(records)
            if commit is None:
                return None
            commits.add(commit)
            dirty = dirty or (bool(some) and any(record and not record.startswith("# ") for record in records))
        # Two commits: somebody made one between two calls, so the files are not those of either for sure.
        return DeclarationSource(commit=commits.pop(), dirty=dirty or bool(commits))

    def origin(self) -> str | None:
        """Where the repository is fetched from, as a URL without a login; None where that is no URL, or not known."""
        done = self._run(("git", "config", "--get", "remote.origin.url"))
        return None if done is None else _url(done.stdout.decode(errors="replace").strip())

    def commit(self, revision: str, repository: str | None, tell: Callable[[str], None]) -> str:
        """What a revision names here, or in another repository, which is fetched. Raises BadArgument, BuildFailed."""
        from releaser.source.revisions import commit_of  # noqa: PLC0415 - few verbs ask

        return commit_of(self._root, revision, repository, tell)

    def _status(self, files: Sequence[str]) -> list[str]:
        done = self._run((*_GIT, "--", *(files or (".",))))
        return [] if done is None else done.stdout.decode(errors="surrogateescape").split("\0")

    def _run(self, argv: Sequence[str]) -> "Completed | None":
        """How git ended; None where it is not there, refuses, or does not answer."""
        from releaser.processes.run import NotStarted, minimal_environment, run  # noqa: PLC0415 - few verbs ask

        config = {name: self._environ[name] for name in ("XDG_CONFIG_HOME",) if name in self._environ}
        env = minimal_environment({**config, **SETTINGS}, self._environ)
        try:
            done = run(argv, timeout=TIMEOUT, env=env, cwd=self._root, limit=_LIMIT)
        except NotStarted:
            return None
        return None if done.returncode != 0 or done.timed_out else done


def _url(remote: str) -> str | None:
    """`git@host:shop/api.git` is how ssh://git@host/shop/api.git is written mostly."""
    scp = _SCP.match(remote)
    if scp is not None:
        return f"ssh://{scp[1] or ''}{scp[2]}/{scp[3]}"
    parts = urlsplit(remote)
    if parts.scheme not in {"https", "http", "ssh", "git"} or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
    return f"{parts.scheme}://{user}{host}{parts.path}"


def _names(root: str, file: str) -> Iterator[str]:
    """What git knows a file as: each link on the way, and where they lead; instead of what is in a submodule, itself.

    Git answers nothing, as if all were well, for a path that crosses a link or a repository.
    """
    at, ahead, links = "", file.split("/"), 0
    while ahead:
        here = os.path.normpath(os.path.join(at, ahead.pop(0)))  # noqa: PTH118 - a name, and pathlib keeps `..`
        path = f"{root}/{here}"
        if os.path.islink(path):  # noqa: PTH114 - false, not an error, for a name that cannot be
            yield here
            links += 1
            target = os.readlink(path)  # noqa: PTH115 - as above
            if links > _MOST_LINKS or os.path.isabs(target):  # noqa: PTH117
                return
            ahead = target.split("/") + ahead
        elif ahead and os.path.lexists(f"{path}/.git"):
            yield here
            return
        else:
            at = here
    yield at


def _portions(files: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, max(1, len(files)), _FILES_A_CALL):
        yield files[start : start + _FILES_A_CALL]


def _commit(records: Sequence[str]) -> str | None:
    for record in records:
        if record.startswith("# branch.oid "):
            commit = record.removeprefix("# branch.oid ")
            return commit if COMMIT.match(commit) else None
    return None
