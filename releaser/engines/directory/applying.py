"""Writing the delivered folder: all or nothing at every moment, also when the process is killed.

Configs are named by content, so new ones can be written beside the old; the rename of `compose.yaml` is the one commit
point; what nothing refers to any more goes last.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

import msgspec

from releaser.engines.directory.document import COMPOSE, CONFIGS, FILE, compose_file, mark_of, remarked
from releaser.engines.directory.folder import LIMIT, Folder, OddFile, Place, make, opened, remove_empty
from releaser.model.errors import ApplyFailed
from releaser.model.event import Point
from releaser.model.plan import DELETE
from releaser.model.resource import Mark, Resource
from releaser.model.value import Value
from releaser.planning.wording import count
from releaser.ports import Work

Announce = Callable[[Point, str], None]


class Files(Value, frozen=True, kw_only=True):
    """What the folder shall hold, and what may go from it."""

    compose: bytes | None  # None: nothing is delivered any more
    configs: Mapping[str, bytes]
    stale: tuple[str, ...]  # configs that may go
    listed: bool  # there is, or was, a compose file of ours


def apply(place: Place, work: Work, announce: Announce) -> None:
    """Make the folder hold what `work` wants. Raises ApplyFailed, and OSError with the path in `filename`."""
    files = _wanted(work)
    if files.compose is None:
        with opened(place) as folder:
            if folder is not None:
                _clear(folder, files, announce)
        remove_empty(place)
        return
    make(place.folder)
    with opened(place) as folder:
        if folder is None:
            raise ApplyFailed(
                f"{place.named(place.folder)} was removed while it was written", hint="run the same command again"
            )
        _deliver(folder, files, files.compose, announce)


def _wanted(work: Work) -> Files:
    resources = [desired.resource for desired in work.desired]
    configs = {
        resource.id.removeprefix("config/"): resource for resource in resources if resource.id.startswith("config/")
    }
    deleted = {change.resource for change in work.changes if change.action == DELETE} | work.base.items.keys()
    stale = {name.removeprefix("config/") for name in deleted if name.startswith("config/")} - configs.keys()
    if any(resource.id == FILE and "error" in resource.body for resource in resources):
        raise ApplyFailed(f"the record holds a {COMPOSE} that could not be read", hint="deliver another revision")
    compose = compose_file(resources, _mark(work)) if resources else None
    if compose is not None and len(compose) > LIMIT:
        raise ApplyFailed(
            f"{COMPOSE} would be larger than {LIMIT >> 20} MiB", hint="deliver fewer services at one path"
        )
    return Files(
        compose=compose,
        configs={_file_name(name): _content(resource) for name, resource in configs.items()},
        stale=tuple(sorted(name for name in stale if _is_file_name(name))),
        listed=FILE in deleted,
    )


def _mark(work: Work) -> Mark:
    """The mark of the delivery whose bytes these are: of a recorded one, where all of it is brought back."""
    revisions = [desired.revision for desired in work.desired]
    recorded = [revision for revision in revisions if revision is not None]
    if len(recorded) < len(revisions):
        return work.mark
    return msgspec.structs.replace(work.mark, revision=max(recorded))


def _deliver(folder: Folder, files: Files, compose: bytes, announce: Announce) -> None:
    folder.sweep()
    current = _current(folder, COMPOSE)
    if current is not None and current == _as_before(compose, current):
        compose = current
    with _inner(folder, create=bool(files.configs)) as configs:
        if configs is not None:
            configs.sweep()
        fresh: list[str] = []
        try:
            if configs is not None:
                _stage_configs(configs, files.configs, fresh)
            if compose != current:
                folder.stage(COMPOSE, compose)
            announce(Point.STAGED, f"{count(len(fresh), 'new config')} staged" if fresh else f"{COMPOSE} is staged")
            if compose != current:
                folder.commit(COMPOSE)
        except BaseException:
            _take_back(folder, configs, fresh, compose)
            raise
        if compose != current:
            folder.sync()
        announce(Point.COMMITTED, f"{folder.place}/{COMPOSE} is in place")
        _prune(folder, configs, files, announce)
        _read_back(folder, configs, files, compose)


def _as_before(compose: bytes, current: bytes) -> bytes:
    """The new file under the revision of the one that is there: a revision alone is no reason to write."""
    mark = mark_of(current)
    return compose if mark is None else remarked(compose, mark.revision)


def _stage_configs(configs: Folder, wanted: Mapping[str, bytes], fresh: list[str]) -> None:
    there = {name: _current(configs, name) for name in wanted}
    changed = {name: content for name, content in wanted.items() if there[name] != content}
    for name, content in changed.items():
        configs.stage(name, content)
        if there[name] is None:
            fresh.append(name)
        configs.commit(name)
    if changed:
        configs.sync()


def _take_back(folder: Folder, configs: Folder | None, fresh: list[str], compose: bytes) -> None:
    """Undo the staging, as far as it goes; not where the commit was done all the same."""
    with suppress(OSError):
        folder.sweep()
        if configs is not None:
            configs.sweep()
            for name in fresh if _current(folder, COMPOSE) != compose else ():
                configs.remove(name)


def _prune(folder: Folder, configs: Folder | None, files: Files, announce: Announce) -> None:
    removed = 0
    if configs is not None:
        removed = sum([configs.remove(name) for name in files.stale])
        if removed:
            configs.sync()
        if not files.configs:
            with suppress(OSError):  # not empty: something of somebody else is in it
                folder.remove(CONFIGS)
    announce(Point.PRUNED, f"{count(removed, 'old config')} removed" if removed else "nothing old is left")


def _read_back(folder: Folder, configs: Folder | None, files: Files, compose: bytes) -> None:
    places = [(folder, COMPOSE, compose)]
    if configs is not None:
        places += [(configs, name, content) for name, content in files.configs.items()]
    for where, name, expected in places:
        if _current(where, name) != expected:
            raise ApplyFailed(
                f"{where.place}/{name} does not read back as it was written",
                hint="another program writes there: stop it, then run the same command again",
            )


def _clear(folder: Folder, files: Files, announce: Announce) -> None:
    folder.sweep()
    announce(Point.STAGED, "nothing is to be written")
    if files.listed:
        folder.remove(COMPOSE)
        folder.sync()
    announce(Point.COMMITTED, f"{folder.place}/{COMPOSE} is gone")
    with _inner(folder, create=False) as configs:
        if configs is not None:
            configs.sweep()
        _prune(folder, configs, files, announce)


@contextmanager
def _inner(folder: Folder, *, create: bool) -> Iterator[Folder | None]:
    with ExitStack() as stack:
        try:
            if create:
                with suppress(FileExistsError):
                    folder.make(CONFIGS)
            configs = stack.enter_context(folder.inner(CONFIGS))
        except OddFile as odd:
            if create:
                hint = "it is never followed or replaced: move it away, then run the same command again"
                raise ApplyFailed(f"{folder.place}/{CONFIGS} is {odd}, not a folder", hint=hint) from None
            configs = None
        yield configs


def _current(folder: Folder, name: str) -> bytes | None:
    try:
        return folder.read(name)
    except (FileNotFoundError, OddFile):
        return None


def _content(resource: Resource) -> bytes:
    body = resource.body
    try:
        content = base64.b64decode(body["base64"], validate=True) if "base64" in body else body["content"].encode()
    except (KeyError, ValueError, AttributeError, TypeError):
        raise ApplyFailed(f"{resource.id} is recorded without its content", hint="deliver a release again") from None
    if len(content) > LIMIT:
        raise ApplyFailed(f"{resource.id} is larger than {LIMIT >> 20} MiB", hint="mount it as a volume instead")
    return content


def _file_name(name: str) -> str:
    if not _is_file_name(name):
        raise ApplyFailed(f"config/{name} cannot be the name of a file", hint="give the config another name")
    return name


def _is_file_name(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name
