"""A plan of many services beside PyYAML's C loader and kustomize, its growth, and the memory of drift."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import project, timing
from bench.report import Report

LOAD = "import sys, yaml\nfor name in sys.argv[1:]:\n    yaml.load(open(name, 'rb'), yaml.CSafeLoader)"
KUSTOMIZE = {100: 1.0, 300: 8.0, 1000: 100.0}
"""Services → how many times faster than kustomize a plan is to be."""


def run(report: Report, *, quick: bool) -> None:
    """Plans of 10 to 1,000 services whose head is delivered."""
    report.section("release plan v1.4 --to test1 -o json: whole process, nothing to do, median of five in turns")
    taken: dict[int, float] = {}
    kubectl = shutil.which("kubectl")
    if kubectl:
        version = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=True).stdout
        print("    peer: kubectl kustomize, " + ", ".join(version.split("\n")[:2]))
    for services in (10, 100, 300) if quick else (10, 100, 300, 1000):
        with tempfile.TemporaryDirectory() as folder:
            made = project.make(Path(folder) / "ours", services)
            made.release("promote", "v1.4", "--to", "test1", "--yes", "-q")
            arguments = [*project.RELEASE, "-C", str(made.root), "plan", "v1.4", "--to", "test1", "-o", "json"]
            commands = {
                "plan": timing.Command(arguments, made.environ),
                "load": timing.Command([sys.executable, "-c", LOAD, *project.files(made, "test1")]),
            }
            slow = services > 300
            if kubectl and not slow:
                overlay = project.kustomization(Path(folder) / "kustomize", services)
                commands["kustomize"] = timing.Command([kubectl, "kustomize", str(overlay)])
            medians = timing.alternating(commands)
            taken[services] = medians["plan"]
            report.add(f"plan of {services} services", medians["plan"], "s")
            report.add(f"PyYAML's C loader, the same files, {services}", medians["load"], "s")
            most = 6.0 if services == 1000 else None
            report.add(f"plan / C loader, {services}", medians["plan"] / medians["load"], "times", most=most)
            if kubectl and slow:  # minutes a run: once is enough to see it
                overlay = project.kustomization(Path(folder) / "kustomize", services)
                medians["kustomize"] = timing.once(timing.Command([kubectl, "kustomize", str(overlay)]))[0]
            if "kustomize" in medians:
                report.add(f"kubectl kustomize, {services}", medians["kustomize"], "s")
                faster = medians["kustomize"] / medians["plan"]
                report.add(f"kustomize / plan, {services}", faster, "times", least=KUSTOMIZE.get(services))
    if 1000 in taken:
        growth = ((taken[1000] - taken[300]) / 700) / ((taken[300] - taken[100]) / 200)
        report.add("growth: a service more at 1000 / at 300", growth, "times", most=1.3)


def memory(report: Report, *, quick: bool) -> None:
    """drift --all over eight large environments."""
    services = 100 if quick else 1000
    report.section(f"release drift --all over eight environments of {services} services")
    with tempfile.TemporaryDirectory() as folder:
        made = project.make(Path(folder), services, environments=8)
        for number in range(1, 9):
            made.release("promote", "v1.4", "--to", f"test{number}", "--yes", "-q")
        arguments = [*project.RELEASE, "-C", str(made.root), "drift", "--all", "--exit-code", "-o", "json"]
        seconds, kilobytes = timing.once(timing.Command(arguments, made.environ))
        report.add("time", seconds, "s")
        report.add("greatest resident set", kilobytes / 1024, "MiB", most=400)
