"""Making room and coming back: an instance ends while it can still be reached, is kept, removed, or started again."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from releaser.engines.docker.api import Docker
from releaser.engines.docker.container import restart_policy
from releaser.engines.docker.labels import Kept, instance_name
from releaser.engines.docker.looking import RUNNING, Instance, Look
from releaser.engines.docker.wanting import Wanted
from releaser.engines.docker.watching import Watcher
from releaser.model.errors import ApplyFailed
from releaser.model.value import JsonMap

NEVER = {"Name": "no", "MaximumRetryCount": 0}
_GRACE = 10.0  # Docker's own
_SIGNAL = "SIGTERM"


@dataclass
class Mover:
    """Ends, keeps and brings back containers of one delivery; what takes time gives way while it waits."""

    docker: Docker
    look: Look
    watcher: Watcher
    revision: int  # of the delivery
    taken: dict[str, object]
    clock: Callable[[], float] = time.monotonic

    def keep(self, one: Instance) -> Iterator[None]:
        """End it, and keep it for a way back."""
        yield from self.ended(self.stand_aside(one))

    def stand_aside(self, one: Instance) -> Instance:
        """Its name is free, and nobody starts it again; it runs on.

        Its name says how it was started again, so it gets that before anything changes.
        """
        policy = (one.inspected.get("HostConfig") or {}).get("RestartPolicy") or NEVER
        what = f"container {one.name}"
        kept = one.kept or Kept(name=one.name, policy=dict(policy), revision=self.revision)
        if kept.text in self.taken and kept.text != one.name:
            kept = Kept(name=f"{one.name}-{one.id[:12]}", policy=kept.policy, revision=kept.revision)
        if kept.text != one.name:
            self._named(one, kept.text)
        if policy.get("Name") not in {"no", ""}:
            self.docker.set_restart(one.id, NEVER, what)
        return replace(one, kept=kept, name=kept.text)

    def remove(self, one: Instance) -> Iterator[None]:
        """End it, and remove it with its files."""
        if one.runs:
            self.docker.set_restart(one.id, NEVER, f"container {one.name}")
            yield from self.ended(one)
        self.discard(one)

    def discard(self, one: Instance) -> None:
        """Remove what does not run; volumes with data stay."""
        self.docker.remove(one.id, f"container {one.name}")
        self.taken.pop(one.name, None)
        self.watcher.forget(one.id)
        if one.noted is not None:
            self.docker.remove_volumes(one.noted.files.values())

    def ended(self, one: Instance) -> Iterator[None]:
        """Its own signal first, while it can still be reached; after its grace the end."""
        config: JsonMap = one.inspected.get("Config") or {}
        signal = config.get("StopSignal") or _SIGNAL
        grace = config.get("StopTimeout")
        until = self.clock() + (_GRACE if grace is None else grace)
        told = ""
        self.watcher.forget(one.id)
        while (status := self.watcher.status(one.id)) in RUNNING:
            start = str(self.watcher.seen[one.id]["State"]["StartedAt"])
            if status == "paused":
                self.docker.unpause(one.id, f"container {one.name}")
            if status == "running" and told != start:  # anew, where the engine was just about to start it again
                self.docker.signal(one.id, signal, f"container {one.name}")
                told = start
            if self.clock() >= until:
                self.docker.stop(one.id, f"container {one.name}")
            yield

    # --- back ---

    def bring_back(self, one: Instance, wanted: Wanted | None) -> Instance:
        """Make one that stood aside an instance again, not started yet: as it is to be, or just as it was."""
        assert one.kept is not None  # noqa: S101 - the caller chose it for that
        name, policy = one.kept.name, dict(one.kept.policy)
        if one.noted is not None and wanted is not None:
            name = instance_name(self.look.whose.prefix, one.noted, wanted.mark.revision, self.taken)
            policy = restart_policy(wanted.body)
        back = self._named(one, name)
        if policy["Name"] != "no":
            self.docker.set_restart(back.id, policy, f"container {name}")
        return replace(back, revision=wanted.mark.revision if wanted is not None else one.revision)

    def restart(self, one: Instance) -> Iterator[None]:
        """Let one that stood aside run again just as it was; one that was told to end does that first."""
        yield from self.ended(one)
        self.start(self.bring_back(one, None))

    def start(self, one: Instance) -> None:
        """Start it."""
        self.docker.start(one.id, f"container {one.name} of service/{one.service}")
        self.watcher.forget(one.id)

    def rename(self, one: Instance, wanted: Wanted) -> Instance:
        """Let its name say which delivery wrote the service last."""
        assert one.noted is not None  # noqa: S101 - one of ours
        name = instance_name(self.look.whose.prefix, one.noted, wanted.mark.revision, self.taken)
        return replace(self._named(one, name), revision=wanted.mark.revision)

    def _named(self, one: Instance, name: str) -> Instance:
        what = f"container {one.name}"
        try:
            self.docker.rename(one.id, name, what)
        except ApplyFailed:  # Docker renames no container that it is just about to start again
            if self.watcher.fresh(one.id) not in {"restarting", "exited"}:
                raise
            self.docker.stop(one.id, what)
            self.docker.rename(one.id, name, what)
        self.taken.pop(one.name, None)
        self.taken[name] = one.id
        return replace(one, name=name, kept=None)


def together(moves: Iterable[Iterator[None]]) -> Iterator[None]:
    """Several at a time."""
    going = list(moves)
    while going:
        going = [move for move in going if next(move, _END) is not _END]
        if going:
            yield


_END = object()
