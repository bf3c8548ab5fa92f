"""How far a build is: its steps and what they printed, whichever way the builder tells of them; pure."""

from dataclasses import dataclass, field

from releaser.builders.base_digests import known, told
from releaser.builders.buildkit_trace import Output, Vertex
from releaser.builders.context import digest_of, file_of
from releaser.model.build import Build, Built
from releaser.model.errors import BuildFailed
from releaser.planning.dockerfile import bases, instructions, stages
from releaser.planning.redact import printable

_TAIL = 20
_FRONTEND = "resolve image config for docker-image://"
"""BuildKit's step that looks for what a `# syntax=` line names."""

_FOREIGN = "exec format error"
_CANCELED = "context canceled"
_FULL = "o space left on device"


@dataclass
class Progress:
    """What a builder has said so far."""

    build: Build
    context: bytes
    text: str = "sending the context"
    image_id: str | None = None
    vertices: dict[str, Vertex] = field(default_factory=dict)
    output: dict[str, list[str]] = field(default_factory=dict)
    steps: int = 0
    cached: int = 0
    missed: str | None = None

    def seen(self, vertices: list[Vertex], outputs: list[Output]) -> None:
        """Take what BuildKit told."""
        for vertex in vertices:
            known, self.vertices[vertex.digest] = vertex.digest in self.vertices, vertex
            if vertex.started and not (known and vertex.completed):
                self.text = printable(vertex.name)
        for one in outputs:
            self.output.setdefault(one.vertex, []).append(one.text)

    def classic(self, text: str) -> None:
        """Take what the classic builder told."""
        if text.startswith("Step "):
            self.steps += " : FROM " not in text
            self.text = printable(text.strip())
        elif text.strip() == "---> Using cache":
            self.cached += 1
        elif text.lstrip().startswith("---> Running in"):
            self.missed = self.missed or self.text
        self.output.setdefault("", []).append(text)

    def built(self, seconds: float) -> Built:
        """The result at the end. Raises BuildFailed where there is no image."""
        if self.image_id is None:
            raise self.failed("the builder ended without an image")
        dockerfile = file_of(self.context, self.build.named)
        steps: dict[str, bool] = {}  # a step that another build has just then is told of twice, under both names
        for one in _own(dockerfile, list(filter(_is_step, self.vertices.values()))):
            steps[one.name] = steps.get(one.name, False) or one.cached
        counted = (len(steps), sum(steps.values())) if steps else (self.steps, self.cached)
        missed = next((printable(name) for name, cached in steps.items() if not cached), self.missed)
        return Built(
            image_id=self.image_id,
            steps=counted[0],
            cached=counted[1],
            missed=missed,
            seconds=round(seconds, 3),
            context_digest=digest_of(self.context),
            dockerfile_digest=digest_of(dockerfile.encode()),
            bases=known(bases(dockerfile, self.build.args), told(self.vertices.values())),
            log=self.log,
        )

    @property
    def log(self) -> str:
        """The steps in the order in which they began, each with what it printed."""
        lines = "".join(self.output.get("", ())).splitlines()  # the classic builder's
        for vertex in self.vertices.values():
            state = f"  {vertex.error}" if vertex.error else "  cached" if vertex.cached else ""
            lines.append(vertex.name + state)
            lines += [f"  {line}" for line in "".join(self.output.get(vertex.digest, ())).splitlines()]
        return "".join(f"{printable(line)}\n" for line in lines)

    def failed(self, words: str, place: str | None = None) -> BuildFailed:
        """Why there is no image, with the Dockerfile's line and the last lines of the step that failed."""
        # A step that fails has those beside it canceled, which is no reason.
        failed = [one for one in self.vertices.values() if one.error]
        broken = next((one for one in failed if not one.error.endswith(_CANCELED)), failed[0] if failed else None)
        said = "".join(self.output.get(broken.digest if broken else "", ())).splitlines()[-_TAIL:]
        last = printable("\n".join(line for line in said if line.strip()), lines=True)
        at = f" at {printable(broken.name)}" if broken else ""
        words += f" ({place})" if place else ""
        tail = f"; its last lines: {last}" if last else ""
        frontend = broken is not None and broken.name.startswith(_FRONTEND)
        hint = f"see {self.build.place}"
        if frontend:
            hint = "its line `# syntax=` fetches that: leave it out, or let the builder reach the registry"
        elif _FULL in f"{words}{tail}":
            hint = "the builder's disk is full, or a limit of its own: make room there, as by docker builder prune"
        elif _FOREIGN in f"{words}{tail}":
            hint = "what it runs is for another platform than the builder's, which needs an emulator for that (binfmt)"
        return BuildFailed(f"image {self.build.image} is not built{at}: {printable(words)}{tail}", hint=hint)

    def late(self) -> BuildFailed:
        """It took longer than it may."""
        return BuildFailed(
            f"image {self.build.image} was not built within {self.build.timeout:g}s; it was at: {self.text}",
            hint="raise `timeout` of the build, or see what takes so long",
        )


def _own(dockerfile: str, steps: list[Vertex]) -> list[Vertex]:
    """The steps of this Dockerfile's stages; all of them where a frontend of another name gives them other names."""
    several = stages(instructions(dockerfile), {})
    labels = {stage.name or f"stage-{number}" for number, stage in enumerate(several)} if len(several) > 1 else {""}
    return [one for one in steps if _label(one.name) in labels] or steps


def _label(name: str) -> str:
    """The stage in a step's name, as BuildKit's dockerfile2llb writes it: `[linux/amd64 early  1/12] RUN …`."""
    words = [word for word in name[1:].partition("]")[0].split() if "/" not in word]
    return words[0] if words else ""


def _is_step(vertex: Vertex) -> bool:
    """Whether it is an instruction that makes something, rather than BuildKit's own work, or a base, never `cached`."""
    name = vertex.name
    return name.startswith("[") and not name.startswith("[internal]") and "] FROM " not in name
