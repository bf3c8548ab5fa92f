"""BuildKit's progress as its clients print it with `--progress plain`; pure.

Source: printer of BuildKit's util/progress/progressui: `#5 [stage 2/3] RUN …`, `#5 0.153 output`, `#5 CACHED`,
`#5 DONE 0.2s`, `#5 ERROR: …`; at the end `ERROR: …` for the whole.
"""

import re
from dataclasses import dataclass, field

import msgspec

from releaser.builders.buildkit_trace import Output, Vertex

_STEP = re.compile(r"#(\d+) (.*)\Z")
_OUTPUT = re.compile(r"\d+\.\d+ ?(.*)\Z")
_PLACE = re.compile(r"\S+:\d+\Z")
_WHOLE = "ERROR: "
_SOLVE = "failed to solve: "


@dataclass
class PlainProgress:
    """Reads what a client prints, as it comes."""

    error: str | None = None  # why there is no image, in the client's words
    place: str | None = None  # the Dockerfile's line that is to blame: `Dockerfile:4`
    _rest: bytes = b""
    _steps: dict[str, Vertex] = field(default_factory=dict)

    def read(self, data: bytes) -> tuple[list[Vertex], list[Output]]:
        """The steps that changed and what they printed, in all lines that are whole by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        vertices: dict[str, Vertex] = {}
        outputs: list[Output] = []
        for line in lines:
            self._line(line.decode(errors="replace").rstrip("\r"), vertices, outputs)
        return list(vertices.values()), outputs

    def _line(self, line: str, vertices: dict[str, Vertex], outputs: list[Output]) -> None:
        found = _STEP.match(line)
        if found is None:
            if line.startswith(_WHOLE):
                self.error = line.removeprefix(_WHOLE).removeprefix(_SOLVE)
            elif _PLACE.match(line):
                self.place = line
            return
        number, words = found.groups()
        step = self._steps.get(number)
        printed = _OUTPUT.match(words)
        if step is None:
            step = Vertex(digest=number, name=words, cached=False, started=True, completed=False, error="")
        elif printed is not None:
            outputs.append(Output(vertex=number, text=printed[1] + "\n"))
            return
        elif words == "CACHED":
            step = msgspec.structs.replace(step, cached=True, completed=True)
        elif words.startswith("DONE "):
            step = msgspec.structs.replace(step, completed=True)
        elif words.startswith(_WHOLE):
            step = msgspec.structs.replace(step, completed=True, error=words.removeprefix(_WHOLE))
        else:
            return  # how far a step is, or its name again after another's output
        self._steps[number] = vertices[number] = step
