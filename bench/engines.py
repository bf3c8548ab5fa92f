"""Docker and Swarm beside their own clients: nothing changed, one of twenty changed, drift of eight environments."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import project, timing
from bench.project import Project
from bench.report import Report
from tests.engines.recording import recorded

REGISTRY = os.environ.get("RELEASER_TEST_REGISTRY", "")
HOST = os.environ.get("RELEASER_TEST_DOCKER", "")
VARIABLES = {"BASE_URL": "https://bench.test", "LOG_LEVEL": "info", "CACHE_TTL": "60", "DB_HOST": "db.internal"}
FLOOR = (
    "import docker, msgspec, sqlite3, typer, yaml, jsonschema_rs\n"
    "api = docker.APIClient(base_url='unix:///var/run/docker.sock', version='auto')\n"
    "api.get(f'{api.base_url}/v{api.api_version}/services').json()"
)


def run(report: Report, *, quick: bool) -> None:
    """Every comparison, where a real engine with a Swarm and a registry is there."""
    if not (REGISTRY and HOST and shutil.which("docker")):
        print('\nno engine: eval "$(tests/testbed/testbed env)" names the one of the test bed')
        return
    project.push_images(REGISTRY)
    for services in (20,) if quick else (20, 100, 300):
        _swarm_unchanged(report, services)
    _docker_unchanged(report)
    if not quick:
        _one_of_twenty(report)
    _drift(report, environments=2 if quick else 8)


@contextmanager
def _delivered(name: str, kind: str, services: int, replicas: int, environments: int = 1) -> Iterator[Project]:
    """A project whose environments are delivered; all of it is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        made = _declared(Path(folder), name, kind, services, replicas, environments)
        try:
            for number in range(1, environments + 1):
                made.release("promote", "v1.0", "--to", f"test{number}", "--yes", "-q")
            yield made
        finally:
            _remove(name)


def _declared(root: Path, name: str, kind: str, services: int, replicas: int, environments: int) -> Project:  # noqa: PLR0913, PLR0917 - what a project is made of
    envs = root / "envs"
    envs.mkdir()
    names = [f"test{number}" for number in range(1, environments + 1)]
    lines = "".join(f"  {environment}: {{layers: [base]}}\n" for environment in names)
    images = f"images: {{api: {REGISTRY}/walk/api}}"
    (envs / "pipeline.yaml").write_text(f"project: {name}\n{images}\nenvironments:\n{lines}")
    words = {
        "image": "api",
        "environment": VARIABLES,
        "stop_grace_period": "1s",
        "deploy": {"replicas": replicas, "update_config": {"order": "start-first", "monitor": "5s"}},
    }
    base = {"services": {f"service-{number}": words for number in range(services)}, "engine": {"kind": kind}}
    (envs / "base.yaml").write_text(json.dumps(base))
    for environment in names:
        (envs / f"{environment}.yaml").write_text("vars: {}\n")
    return Project(root, {**os.environ, "HOME": str(root / "home"), "DOCKER_HOST": HOST})


def _compose(folder: Path, services: int, replicas: int) -> Path:
    """The same services for Docker's own clients."""
    words = {
        "image": _digest("v1.0"),
        "environment": VARIABLES,
        "stop_grace_period": "1s",
        "deploy": {"replicas": replicas, "update_config": {"order": "start-first", "monitor": "5s"}},
    }
    file = folder / "compose.yaml"
    file.write_text(json.dumps({"services": {f"service-{number}": words for number in range(services)}}))
    return file


def _digest(tag: str) -> str:
    image = f"{REGISTRY}/walk/api"
    found = _docker("image", "inspect", f"{image}:{tag}", "--format", "{{json .RepoDigests}}")
    return next(reference for reference in json.loads(found) if reference.startswith(f"{image}@"))


def _docker(*arguments: str) -> str:
    environ = {**os.environ, "DOCKER_HOST": HOST}
    return subprocess.run(["docker", *arguments], env=environ, check=True, capture_output=True, text=True).stdout


def _remove(name: str) -> None:
    """Everything that carries the project's mark."""
    mark = ("--filter", f"label=releaser.project={name}", "-q")
    for listing, removing in (
        (("service", "ls"), ("service", "rm")),
        (("ps", "-a"), ("rm", "-f", "-v")),
        (("volume", "ls"), ("volume", "rm", "-f")),
        (("config", "ls"), ("config", "rm")),
        (("network", "ls"), ("network", "rm")),
    ):
        ids = _docker(*listing, *mark).split()
        if ids:
            subprocess.run(
                ["docker", *removing, *ids], env={**os.environ, "DOCKER_HOST": HOST}, check=False, capture_output=True
            )


def _calls(made: Project, *arguments: str) -> list[tuple[str, str]]:
    """The requests that one command makes: method and path."""
    with recorded(HOST) as recording:
        Project(made.root, {**made.environ, "DOCKER_HOST": recording.host}).release(*arguments)
        return [(request.method, request.path) for request in recording.requests]


def _count(report: Report, what: str, calls: list[tuple[str, str]]) -> None:
    writes = [call for call in calls if call[0] not in {"GET", "HEAD"}]
    report.add(f"{what}: calls", len(calls), "calls")
    report.add(f"{what}: writes", len(writes), "calls", most=0)
    print("      " + ", ".join(f"{method} {path}" for method, path in sorted(set(calls))[:8]))


def _swarm_unchanged(report: Report, services: int) -> None:
    report.section(f"Swarm, {services} services, nothing changed: whole process, median of five in turns")
    with _delivered("bench-swarm", "swarm", services, 0) as made, tempfile.TemporaryDirectory() as folder:
        file = _compose(Path(folder), services, 0)
        deploy = ["docker", "stack", "deploy", "--resolve-image", "never", "--detach", "-c", str(file), "bench-peer"]
        _docker(*deploy[1:])
        try:
            promote = [*project.RELEASE, "-C", str(made.root), "promote", "v1.0", "--to", "test1", "--yes", "-q"]
            commands = {
                "floor": timing.Command([*project.RELEASE[:1], "-c", FLOOR], made.environ),
                "promote": timing.Command(promote, made.environ),
                "stack": timing.Command(deploy, made.environ),
            }
            medians = timing.alternating(commands)
        finally:
            _docker("stack", "rm", "bench-peer")
        report.add("Python with the imports, docker, /version and one list", medians["floor"], "s")
        most = 0.15 if services == 100 else None
        report.add("release promote", medians["promote"], "s")
        report.add("above that floor", medians["promote"] - medians["floor"], "s", most=most)
        report.add("docker stack deploy --resolve-image never", medians["stack"], "s")
        least = 1.5 if services == 300 else None
        report.add("stack deploy / promote", medians["stack"] / medians["promote"], "times", least=least)
        _count(report, "promote", _calls(made, "promote", "v1.0", "--to", "test1", "--yes", "-q"))


def _docker_unchanged(report: Report) -> None:
    report.section("Docker, 20 services, nothing changed: whole process, median of five in turns")
    with _delivered("bench-docker", "docker", 20, 1) as made, tempfile.TemporaryDirectory() as folder:
        up = ["docker", "compose", "-p", "bench-peer", "-f", str(_compose(Path(folder), 20, 1)), "up", "-d"]
        _docker(*up[1:])
        try:
            promote = [*project.RELEASE, "-C", str(made.root), "promote", "v1.0", "--to", "test1", "--yes", "-q"]
            commands = {"promote": timing.Command(promote, made.environ), "up": timing.Command(up, made.environ)}
            medians = timing.alternating(commands)
        finally:
            _docker(*up[1:-2], "down", "-t", "0")
        report.add("release promote", medians["promote"], "s")
        report.add("docker compose up -d", medians["up"], "s")
        report.add("compose up / promote", medians["up"] / medians["promote"], "times")
        _count(report, "promote", _calls(made, "promote", "v1.0", "--to", "test1", "--yes", "-q"))


def _one_of_twenty(report: Report) -> None:
    report.section("Swarm, one of twenty services changed, until converged: median of three in turns")
    ours: list[float] = []
    peers: list[float] = []
    with _delivered("bench-change", "swarm", 20, 1) as made:
        image = [
            "--image",
            _digest("v1.0"),
            "--update-order",
            "start-first",
            "--update-monitor",
            "5s",
            "--stop-grace-period",
            "1s",
        ]
        _docker("service", "create", "-q", "--name", "bench-peer", *image[2:], _digest("v1.0"))
        try:
            for turn in range(3):
                layer = {"services": {"service-7": {"environment": {"CACHE_TTL": str(turn)}}}}
                (made.root / "envs" / "test1.yaml").write_text(json.dumps(layer))
                promote = [*project.RELEASE, "-C", str(made.root), "promote", "v1.0", "--to", "test1", "--yes", "-q"]
                ours.append(timing.once(timing.Command(promote, made.environ))[0])
                update = ["docker", "service", "update", "-q", "--env-add", f"CACHE_TTL={turn}", "bench-peer"]
                peers.append(timing.once(timing.Command(update, made.environ))[0])
        finally:
            _docker("service", "rm", "bench-peer")
    mine, peer = sorted(ours)[1], sorted(peers)[1]
    report.add("release promote", mine, "s")
    report.add("docker service update", peer, "s")
    report.add("promote / service update", mine / peer, "times", most=1.1)


def _drift(report: Report, environments: int) -> None:
    for kind, replicas in (("swarm", 0), ("docker", 1)):
        report.section(f"{kind}, drift of {environments} environments of 20 services: median of five in turns")
        with _delivered(f"bench-drift-{kind}", kind, 20, replicas, environments) as made:
            drift = [*project.RELEASE, "-C", str(made.root), "drift"]
            commands = {
                "one": timing.Command([*drift, "--env", "test1"], made.environ),
                "all": timing.Command([*drift, "--all"], made.environ),
            }
            medians = timing.alternating(commands)
        report.add("one environment", medians["one"], "s")
        report.add(f"all {environments}", medians["all"], "s")
        report.add("all / one", medians["all"] / medians["one"], "times", most=2.0)
