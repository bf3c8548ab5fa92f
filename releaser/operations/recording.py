"""Recording: every point of a delivery goes to the history as a step, and to whoever watches."""

from datetime import timedelta

import msgspec

from releaser.model.delivery import Delivery, Step
from releaser.model.errors import HistoryCorrupt, HistoryTooNew, HistoryUnreachable, LostRace
from releaser.model.event import Event, Point
from releaser.operations.workspace import Workspace
from releaser.ports import Lease

MANY = frozenset({Point.STAGED, Point.COMMITTED, Point.PRUNED})
"""Points that a delivery passes once for each resource."""
FEW = 16
"""So many of them are committed one by one, as each commit also asks whether the lease is still ours; of more, those
that come close together are committed together: a disk takes its time for each."""
CLOSE = timedelta(milliseconds=100)

UNRECORDABLE = (LostRace, HistoryUnreachable, HistoryCorrupt, HistoryTooNew)
"""After these nothing more can be recorded, so nothing more is done."""


class Recorder:
    """The progress of one delivery; implements ports.Progress for the engine."""

    def __init__(self, ws: Workspace, lease: Lease) -> None:
        self._ws = ws
        self._lease = lease
        self._revision: int | None = None
        self._pending: list[Step] = []
        self._passed = 0

    def began(self, delivery: Delivery) -> None:
        """From here on points are steps of this delivery."""
        self._revision = delivery.revision
        self.point(Point.INTENT, f"#{delivery.revision} is recorded as running")

    def point(self, point: Point, text: str, resource: str | None = None) -> None:
        """A point was reached."""
        now = self._ws.clock.now()
        event = Event(at=now, environment=self._lease.environment, point=point, text=text, resource=resource)
        self.event(event)

    def event(self, event: Event) -> None:
        """A point was reached, as an engine tells it. Raises LeaseLost."""
        event = msgspec.structs.replace(event, text=self._ws.masked(event.text))
        if self._revision is not None and event.point not in {Point.ROLLING, Point.FINISHED}:
            self._pending.append(Step(at=event.at, text=event.text, point=event.point))
        self._passed += event.point in MANY
        waits = event.point in MANY and self._passed > FEW
        if not (waits and self._pending and event.at - self._pending[0].at < CLOSE):
            self.commit()
        self._ws.progress.event(event)

    def commit(self) -> None:
        """Commit the steps that are not yet. Raises LeaseLost."""
        if self._revision is not None and self._pending:
            steps, self._pending = self._pending, []
            self._ws.history.step(self._lease, self._revision, *steps)

    def still_ours(self) -> None:
        """Raises LeaseLost; asked right before an engine is written."""
        self._ws.history.renew(self._lease)
