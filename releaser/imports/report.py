"""What an import could not take over, and where it stands."""

from releaser.imports.tree import Node
from releaser.model.documents import LeftOut
from releaser.model.value import Location, Path, dotted


class Report:
    """Collects what is left out, each with its line and why."""

    def __init__(self) -> None:
        self._left: dict[tuple[Location, str, bool], list[str]] = {}

    def leave(self, path: Path, place: Node | Location, why: str, *, harmless: bool = False) -> None:
        """A word that is not taken over; `harmless` where nothing runs otherwise without it."""
        location = place.place if isinstance(place, Node) else place
        paths = self._left.setdefault((location, why, harmless), [])
        if dotted(path) not in paths:
            paths.append(dotted(path))

    def left(self) -> tuple[LeftOut, ...]:
        """Everything, by file and line; services that share a line are told together."""
        return tuple(
            LeftOut(location=location, paths=tuple(paths), why=why, harmless=harmless)
            for (location, why, harmless), paths in sorted(self._left.items(), key=lambda one: (one[0], one[1]))
        )
