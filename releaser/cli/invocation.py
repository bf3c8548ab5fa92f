"""One run of one verb: its words, its streams, its settings, and the way to the workspace."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from releaser.cli.options import Options
from releaser.cli.output import Output
from releaser.cli.signals import Signals
from releaser.cli.table import DELIVER, LOOK, VERBS
from releaser.model.errors import ReleaseError
from releaser.model.event import Event
from releaser.settings import Settings, below, history_file, root_above

if TYPE_CHECKING:
    from releaser.operations.workspace import Workspace
    from releaser.ports import Progress


class Unwatched:
    """Nobody watches; implements ports.Progress."""

    def event(self, event: Event) -> None:
        """Let it pass."""


@dataclass(kw_only=True)
class Hidden:
    """What takes the secrets out of a text that others made; knows them once a workspace has read some."""

    mask: Callable[[str], str] = str


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What a verb gets beside its own options."""

    verb: str
    words: tuple[str, ...]  # as typed, without the verb
    shared: Options
    settings: Settings
    out: Output
    signals: Signals = field(default_factory=Signals)
    hidden: Hidden = field(default_factory=Hidden)

    @contextmanager
    def workspace(self, *, by: str | None = None, progress: "Progress | None" = None) -> Iterator["Workspace"]:
        """The project around us, open for the length of a block. Raises BadArgument outside a project."""
        from releaser.wiring import Flags, open_workspace  # noqa: PLC0415 - not every verb needs a project

        flags = Flags(directory=self.shared.directory, by=by, history=self.shared.history)
        ws = open_workspace(self.settings, flags, self.signals, progress or Unwatched())
        self.hidden.mask = ws.masked
        try:
            self._warn_of_a_history_of_one_clone(ws)
            yield ws
        except ReleaseError as error:
            error.message = ws.masked(error.message)
            raise
        finally:
            ws.close()

    def _warn_of_a_history_of_one_clone(self, ws: "Workspace") -> None:
        from releaser.wiring import history_setting  # noqa: PLC0415 - as above

        if not self.settings.in_ci or VERBS[self.verb].group not in {DELIVER, LOOK}:
            return
        setting = history_setting(self.settings, ws.declarations, self.shared.history)
        if below(ws.root, history_file(ws.root, setting.value)):
            self.out.warn(
                f"the history {setting.value} is below the project's root: each clone has its own; "
                "set RELEASE_HISTORY to one that CI keeps"
            )

    @property
    def root(self) -> Path | None:
        """The project's root, for showing lines of its files; None outside a project."""
        return root_above(self.shared.directory)
