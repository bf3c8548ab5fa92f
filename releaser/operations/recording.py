"""Recording: every point of a delivery goes to the history as a step, and to whoever watches."""

import msgspec

from releaser.model.delivery import Delivery, Step
from releaser.model.errors import HistoryCorrupt, HistoryTooNew, HistoryUnreachable, LostRace
from releaser.model.event import Event, Point
from releaser.operations.workspace import Workspace
from releaser.ports import Lease

UNRECORDABLE = (LostRace, HistoryUnreachable, HistoryCorrupt, HistoryTooNew)
"""After these nothing more can be recorded, so nothing more is done."""


class Recorder:
    """The progress of one delivery; implements ports.Progress for the engine."""

    def __init__(self, ws: Workspace, lease: Lease) -> None:
        self._ws = ws
        self._lease = lease
        self._revision: int | None = None

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
            self._ws.history.step(self._lease, self._revision, Step(at=event.at, text=event.text, point=event.point))
        self._ws.progress.event(event)

    def still_ours(self) -> None:
        """Raises LeaseLost; asked right before an engine is written."""
        self._ws.history.renew(self._lease)
