"""What an import could not take over, and where it stands."""

from releaser.imports.tree import Node
from releaser.model.documents import LeftOut
from releaser.model.value import Location, Path, dotted


class Report:
    """Collects what is left out, each with its line and why."""

    def __init__(self) -> None:
        self._left: list[LeftOut] = []

    def leave(self, path: Path, place: Node | Location, why: str, *, harmless: bool = False) -> None:
        """A word that is not taken over; `harmless` where nothing runs otherwise without it."""
        location = place.place if isinstance(place, Node) else place
        self._left.append(LeftOut(path=dotted(path), why=why, location=location, harmless=harmless))

    def left(self) -> tuple[LeftOut, ...]:
        """Everything, by file and line."""
        return tuple(sorted(dict.fromkeys(self._left), key=lambda one: (one.location, one.path)))
