"""What one engine makes of one word."""

from collections.abc import Mapping

from releaser.model.value import Json, Value

DIRECTORY, DOCKER, SWARM, KUBERNETES = "directory", "docker", "swarm", "kubernetes"
ENGINES = (DIRECTORY, DOCKER, SWARM, KUBERNETES)


class Cell(Value, frozen=True, kw_only=True):
    """Where an engine puts a word; or why it refuses it, or has no use for it."""

    place: str = ""  # in the engine's own words, as in HostConfig.ShmSize
    refused: str = ""  # why the engine cannot do it
    instead: str = ""  # what to write then
    taken: tuple[Json, ...] = ()  # the values of a refused word that are taken all the same
    idle: str = ""  # why the word has no effect there, and harms nothing
    told: bool = False  # whether a plan says that it has none
    needs: str = ""  # the oldest API version that knows it, where 1.41 does not


class Row(Value, frozen=True, kw_only=True):
    """One word of the vocabulary with what every engine makes of it; `*` in `word` stands for a name."""

    word: str
    directory: Cell
    docker: Cell
    swarm: Cell
    kubernetes: Cell

    def cell(self, kind: str) -> Cell:
        """What the engine `kind` makes of it."""
        found: Cell = getattr(self, kind)
        return found


def to(place: str, needs: str = "") -> Cell:
    """It is mapped."""
    return Cell(place=place, needs=needs)


def no(why: str, instead: str, *taken: Json, place: str = "") -> Cell:
    """It is refused, but for the values `taken`, which go to `place`."""
    return Cell(refused=why, instead=instead, taken=taken, place=place)


def idle(why: str, *, told: bool = False) -> Cell:
    """It has no effect."""
    return Cell(idle=why, told=told)


SAME = to("the same word")
"""A compose file has it under the same word."""


Cells = tuple[Cell, Cell] | tuple[Cell, Cell, Cell]


def rows(words: Mapping[str, Cells], cluster: Mapping[str, Cell]) -> tuple[Row, ...]:
    """Rows of (docker, swarm) or (docker, swarm, directory); without the last a compose file has the same word.

    `cluster` has what Kubernetes makes of each word.
    """
    return tuple(
        Row(
            word=word,
            docker=cells[0],
            swarm=cells[1],
            directory=cells[2] if len(cells) == 3 else SAME,
            kubernetes=cluster[word],
        )
        for word, cells in words.items()
    )
