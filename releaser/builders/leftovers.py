"""What a killed build leaves behind: its containers and volumes carry a label, and the next build removes them."""

import time
import uuid
from collections.abc import Iterator, Mapping

import msgspec

from releaser.builders.command_line import DockerCommand
from releaser.processes.identity import identity, is_gone

BUILD, PROCESS, UNTIL = "releaser.build", "releaser.build.process", "releaser.build.until"
_GRACE = 300.0


class Owned:
    """One use of a builder: what it makes on an engine has its name and its labels."""

    def __init__(self, seconds: float) -> None:
        self.name = f"releaser-build-{uuid.uuid4().hex[:12]}"
        self._labels = {
            BUILD: self.name,
            PROCESS: identity(),
            UNTIL: str(int(time.time() + seconds + _GRACE)),
        }

    @property
    def labels(self) -> list[str]:
        """As arguments of the docker command."""
        return [word for name, text in self._labels.items() for word in ("--label", f"{name}={text}")]


def clean(docker: DockerCommand) -> tuple[str, ...]:
    """Remove what builds left whose process is gone, or whose time is long over; gives the names of what went.

    Raises BuildFailed where the engine does not answer.
    """
    containers = [name for name, labels in _labelled(docker, "container") if _is_over(labels)]
    for name in containers:
        docker.run(["container", "rm", "--force", "--volumes", name])
    volumes = [name for name, labels in _labelled(docker, "volume") if _is_over(labels)]
    for name in volumes:
        docker.run(["volume", "rm", name])
    return (*containers, *volumes)


def _labelled(docker: DockerCommand, what: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    everything = ["--all"] if what == "container" else []
    listed = docker.said([what, "ls", "--quiet", *everything, "--filter", f"label={BUILD}"]).split()
    for name in listed:
        field = "Config.Labels" if what == "container" else "Labels"
        done = docker.run([what, "inspect", "--format", f"{{{{json .{field}}}}}", name])
        if done.returncode == 0:  # else it went meanwhile
            yield name, msgspec.json.decode(done.stdout, type=dict[str, str])


def _is_over(labels: Mapping[str, str]) -> bool:
    gone = is_gone(labels.get(PROCESS, ""))
    if gone is not None:
        return gone
    until = labels.get(UNTIL, "0")
    return not until.isdecimal() or time.time() > int(until)
