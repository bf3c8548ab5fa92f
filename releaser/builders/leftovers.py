"""What a killed build leaves behind: its containers and volumes carry a label, and the next build removes them."""

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from releaser.builders.command_line import DockerCommand

BUILD, PROCESS, UNTIL = "releaser.build", "releaser.build.process", "releaser.build.until"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_GRACE = 300.0


class Owned:
    """One use of a builder: what it makes on an engine has its name and its labels."""

    def __init__(self, seconds: float) -> None:
        self.name = f"releaser-build-{uuid.uuid4().hex[:12]}"
        self._labels = {
            BUILD: self.name,
            PROCESS: _process(os.getpid()),
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
    boot, _, rest = labels.get(PROCESS, "").partition("/")
    pid = rest.partition("/")[0]
    if boot and boot == _boot() and pid.isdecimal():
        return _process(int(pid)) != labels[PROCESS]
    until = labels.get(UNTIL, "0")
    return not until.isdecimal() or time.time() > int(until)


def _process(pid: int) -> str:
    """A process as nobody else is it: boot, number and birth; without a birth where it is gone, or has no /proc."""
    try:
        born = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        born = ""
    return f"{_boot()}/{pid}/{born}"


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
