"""A cluster beside kubectl and Helm: nothing changed, drift, everything changed, and what it costs in memory."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench import project, timing
from bench.project import Project
from bench.report import Report
from bench.timing import Command

KUBECONFIG = os.environ.get("RELEASER_TEST_KUBERNETES", "")
REGISTRY = os.environ.get("RELEASER_TEST_REGISTRY", "")
PROMOTE = ("promote", "v1.0", "--to", "test1", "--yes", "-q")
DRIFT = ("drift", "--env", "test1")
ENVIRON = {**os.environ, "KUBECONFIG": KUBECONFIG}


def run(report: Report, *, quick: bool) -> None:
    """Every comparison, where the test bed's cluster is there."""
    if not (KUBECONFIG and REGISTRY and shutil.which("kubectl")):
        print('\nno cluster: eval "$(tests/testbed/testbed env)" names the one of the test bed')
        return
    project.push_images(REGISTRY)
    _workloads(report, 10 if quick else 100)
    _unchanged(report, (20,) if quick else (100, 300, 1000))
    _all_changed(report, 20 if quick else 300)
    _memory(report, 100 if quick else 2000)


@dataclass(frozen=True)
class Bench:
    """The same objects for us and for the peers, each in a namespace of its own."""

    ours: Project
    size: int
    namespace: str

    @property
    def namespaces(self) -> tuple[str, str, str]:
        """Ours, kubectl's and Helm's."""
        return self.namespace, f"{self.namespace}-peer", f"{self.namespace}-helm"

    @property
    def folder(self) -> Path:
        """Where the declarations and the peers' files are."""
        return self.ours.root

    def write(self, turn: int) -> None:
        """Write the objects for this turn: half of them ConfigMaps, half Services."""
        text = yaml.safe_dump_all(_object(number, turn) for number in range(self.size))
        for file in ("k8s/objects.yaml", "chart/templates/objects.yaml"):
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / file).write_text(text)
        (self.folder / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: bench\nversion: 0.1.0\n")

    def release(self, *words: str) -> Command:
        """A command of ours."""
        return Command([*project.RELEASE, "-C", str(self.folder), *words], self.ours.environ)

    def kubectl(self, *words: str) -> Command:
        """A command of kubectl on its own namespace."""
        return Command(
            ["kubectl", "-n", self.namespaces[1], *words, "-f", str(self.folder / "k8s" / "objects.yaml")], ENVIRON
        )

    def helm(self) -> Command | None:
        """An upgrade by Helm; None where Helm is not installed."""
        if importlib.util.find_spec("helm_python") is None:
            return None
        words = [sys.executable, "-m", "tests.engines.kubernetes.helm", str(self.folder / "chart"), self.namespaces[2]]
        return Command(words, {**ENVIRON, "PYTHONPATH": str(project.REPOSITORY)})

    def commands(self) -> dict[str, Command]:
        """What is timed in turns."""
        return {
            "promote": self.release(*PROMOTE),
            "apply": self.kubectl("apply", "--server-side"),
            "drift": self.release(*DRIFT),
            "diff": self.kubectl("diff", "--server-side"),
        }

    def calls(self, *words: str) -> list[str]:
        """The requests that a command of ours makes."""
        file = self.folder / "calls"
        file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "bench.calls", str(file), "-C", str(self.folder), *words]
        environ = {**self.ours.environ, "PYTHONPATH": str(project.REPOSITORY)}
        subprocess.run(command, env=environ, check=True, capture_output=True)
        return file.read_text().splitlines()


def _object(number: int, turn: int) -> dict[str, object]:
    metadata = {"name": f"object-{number}", "labels": {"team": "shop", "turn": str(turn)}}
    if number % 2:
        tcp = {"protocol": "TCP"}  # an apply of 1.20 needs it said
        ports = [{"name": "http", "port": 80, "targetPort": 8080, **tcp}, {"name": "metrics", "port": 9090, **tcp}]
        spec = {"selector": {"app": f"app-{number}"}, "ports": ports}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    data = {"BASE_URL": "https://bench.test", "LOG_LEVEL": "info", "CACHE_TTL": str(turn), "DB_HOST": "db.internal"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@contextmanager
def _bench(size: int, **layer: object) -> Iterator[Bench]:
    """A project on an empty namespace; all of it is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "envs").mkdir()
        images = f"images: {{api: {REGISTRY}/walk/api}}"
        (root / "envs" / "pipeline.yaml").write_text(
            f"project: bench\n{images}\nenvironments: {{test1: {{layers: []}}}}\n"
        )
        made = Bench(Project(root, {**ENVIRON, "HOME": str(root / "home")}), size, f"t-bench-{size}")
        engine = {"kind": "kubernetes", "namespace": made.namespace}
        words = {"engine": engine, "wait": "15m", "stable": "0s", **layer}
        (root / "envs" / "test1.yaml").write_text(json.dumps(words))
        made.write(0)
        for namespace in made.namespaces[:2]:
            subprocess.run(["kubectl", "create", "namespace", namespace], env=ENVIRON, check=True, capture_output=True)
        try:
            yield made
        finally:
            gone = ["kubectl", "delete", "namespace", "--ignore-not-found", *made.namespaces]
            subprocess.run(gone, env=ENVIRON, check=False, capture_output=True)


OWN = {"manifests": {"objects": {"file": "k8s/objects.yaml"}}}


def _unchanged(report: Report, sizes: Sequence[int]) -> None:
    """All sizes in turns: a machine that is slower for a while is so for all of them."""
    with ExitStack() as benches:
        commands: dict[tuple[int, str], Command] = {}
        made = {size: benches.enter_context(_bench(size, **OWN)) for size in sizes}
        for size, bench in made.items():
            timing.once(bench.release(*PROMOTE))
            timing.once(bench.kubectl("apply", "--server-side"))
            commands |= {(size, name): command for name, command in bench.commands().items()}
            helm = bench.helm()
            if helm is not None:
                timing.once(helm)
                commands[size, "helm"] = helm
        found = timing.alternating(commands)
        for size, bench in made.items():
            _beside(report, bench, {name: taken for (other, name), taken in found.items() if other == size})
    if {300, 1000} <= set(sizes):
        report.section("what one object more costs, from 300 to 1,000")
        for what, most in (("promote", 0.4), ("drift", 0.4), ("apply", None), ("diff", None)):
            report.add(what, (found[1000, what] - found[300, what]) / 700 * 1000, "ms", most=most)


def _beside(report: Report, bench: Bench, found: Mapping[str, float]) -> None:
    size = bench.size
    report.section(f"Kubernetes, {size} objects, nothing changed: whole process, median of five in turns")
    report.add("release promote", found["promote"], "s")
    report.add("kubectl apply --server-side", found["apply"], "s")
    report.add("promote / apply", found["promote"] / found["apply"], "times", most=1.2 if size == 100 else None)
    if "helm" in found:
        report.add("helm upgrade", found["helm"], "s")
        report.add("helm upgrade / promote", found["helm"] / found["promote"], "times")
    report.add("release drift", found["drift"], "s")
    report.add("kubectl diff --server-side", found["diff"], "s")
    least = {300: 3.0, 1000: 6.0}.get(size)
    report.add("diff / drift", found["diff"] / found["drift"], "times", least=least)
    _count(report, "promote", bench.calls(*PROMOTE))
    _count(report, "drift", bench.calls(*DRIFT))


def _count(report: Report, what: str, calls: list[str]) -> None:
    writes = [call for call in calls if not call.startswith("GET ")]
    report.add(f"{what}: calls", len(calls), "calls")
    report.add(f"{what}: writes", len(writes), "calls", most=0)
    print("      " + ", ".join(sorted(set(calls))[:8]))


def _workloads(report: Report, size: int) -> None:
    report.section(f"Kubernetes, {size} Deployments from services, nothing changed: median of five in turns")
    words = {"image": "api", "environment": {"LEVEL": "info", "TTL": "60"}, "deploy": {"replicas": 0}}
    with _bench(size, services={f"service-{number}": words for number in range(size)}) as made:
        timing.once(made.release(*PROMOTE))
        rendered = json.loads(made.ours.release("render", "--env", "test1", "-o", "json").stdout)
        objects = yaml.safe_dump_all(one["body"] for one in rendered["resources"])
        (made.folder / "k8s" / "objects.yaml").write_text(objects)
        timing.once(made.kubectl("apply", "--server-side"))
        commands = made.commands()
        found = timing.alternating(commands)
        report.add("release promote", found["promote"], "s")
        report.add("kubectl apply --server-side", found["apply"], "s")
        report.add("promote / apply", found["promote"] / found["apply"], "times", most=1.2 if size == 100 else None)
        report.add("release drift", found["drift"], "s")
        report.add("kubectl diff --server-side", found["diff"], "s")
        report.add("diff / drift", found["diff"] / found["drift"], "times")
        _count(report, "promote", made.calls(*PROMOTE))


def _all_changed(report: Report, size: int) -> None:
    report.section(f"Kubernetes, {size} objects, all of them changed: whole process, median of three in turns")
    ours: list[float] = []
    peers: list[float] = []
    asked: list[float] = []
    with _bench(size, **OWN) as made:
        timing.once(made.release(*PROMOTE))
        timing.once(made.kubectl("apply", "--server-side"))
        for turn in range(1, 4):
            made.write(turn)
            ours.append(timing.once(made.release(*PROMOTE))[0])
            asked.append(timing.once(made.kubectl("diff", "--server-side"), differs=True)[0])
            peers.append(timing.once(made.kubectl("apply", "--server-side"))[0])
        made.write(4)
        calls = made.calls(*PROMOTE)
    mine, peer, asking = sorted(ours)[1], sorted(peers)[1], sorted(asked)[1]
    report.add("release promote, which asks by dry runs first", mine, "s")
    report.add("kubectl apply --server-side, which does not", peer, "s")
    report.add("promote / apply", mine / peer, "times", most=1.2)
    report.add("kubectl diff --server-side, which does, and then apply", asking + peer, "s")
    report.add("diff and apply / promote", (asking + peer) / mine, "times")
    dry = [call for call in calls if call.endswith("(dry run)")]
    report.add("promote: reads", sum(call.startswith("GET ") for call in calls), "calls")
    report.add("promote: dry runs", len(dry), "calls", most=size)
    report.add("promote: writes", sum(not call.startswith("GET ") for call in calls) - len(dry), "calls", most=size)


def _memory(report: Report, size: int) -> None:
    report.section(f"Kubernetes, {size} objects observed: the greatest resident set")
    with _bench(size, **OWN) as made:
        timing.once(made.release(*PROMOTE))
        taken, kilobytes = timing.once(made.release(*DRIFT))
    report.add("release drift", taken, "s")
    report.add("memory", kilobytes / 1024, "MiB", most=300)
