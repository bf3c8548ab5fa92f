"""The engine `directory`: a delivery is a compose file and its configs in a folder; somebody else runs them."""

import os
from pathlib import Path

from releaser.clock import SYSTEM_CLOCK
from releaser.engines.directory.applying import apply
from releaser.engines.directory.errors import unreadable, unwritable
from releaser.engines.directory.folder import Place, opened
from releaser.engines.directory.observing import observe
from releaser.engines.directory.render import render
from releaser.model.environment import Environment
from releaser.model.event import Event, Point
from releaser.model.preview import NOTHING, Preview
from releaser.model.release import Release
from releaser.model.resource import Inventory, Observation, Rendering, Target
from releaser.ports import Capabilities, Clock, Progress, Readiness, Scope, SecretValues, Stop, Work


class DirectoryEngine:
    """Delivers into the folder `path`, relative to the project's root unless it is absolute."""

    capabilities = Capabilities(runs=False, owns_orphans=True, passes_secrets=False)

    def __init__(self, root: Path, path: str, clock: Clock = SYSTEM_CLOCK) -> None:
        root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow the operator's links
        self._place = Place(folder=Path(os.path.normpath(root / path)), root=root)
        self._path = path
        self._clock = clock

    def target(self) -> Target:
        """The folder, named from the root where it lies within."""
        folder, root = self._place
        identity = folder.relative_to(root) if self._place.inside else folder
        return Target(engine="directory", identity=identity.as_posix(), path=self._path)

    def render(self, environment: Environment, release: Release) -> Rendering:
        """Services in Compose's own form, configs by content, secrets as references that compose reads."""
        return render(environment, release, os.path.relpath(self._place.root, self._place.folder))

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:  # noqa: ARG002 - all in our files is ours to see
        """Everything in `compose.yaml` and `config/`; a file that cannot be parsed shows as `error` of itself."""
        now = self._clock.now()
        try:
            with opened(self._place) as folder:
                return Observation(resources={}, at=now) if folder is None else observe(folder, inventory, now)
        except OSError as error:
            raise unreadable(error, self._named(error)) from error

    def preview(self, work: Work) -> Preview:  # noqa: ARG002 - what is written is what was rendered
        """Nothing."""
        return NOTHING

    def apply(
        self,
        work: Work,
        secrets: SecretValues,  # noqa: ARG002 - it passes none
        stop: Stop,  # noqa: ARG002 - it writes at one point
        progress: Progress,
    ) -> None:
        """Write the folder as a whole towards `work.desired`; what `work.changes` deletes may go."""

        def announce(point: Point, text: str) -> None:
            environment = work.mark.environment
            progress.event(Event(at=self._clock.now(), environment=environment, point=point, text=text))

        try:
            apply(self._place, work, announce)
        except OSError as error:
            if error.filename is None:
                raise  # not of the folder: it came out of whoever watches
            raise unwritable(error, self._named(error)) from error

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:  # noqa: ARG002 - there is nothing to wait for
        """Written is ready."""
        return Readiness(ready=True)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _named(self, error: OSError) -> str:
        return self._place.named(Path(os.fsdecode(error.filename)) if error.filename else self._place.folder)
