"""What everybody types all day, beside a bare Python."""

import os
import tempfile
from pathlib import Path

from bench import project, timing
from bench.report import Report, bare_python


def run(report: Report, *, quick: bool) -> None:
    """--help, --version, completion, status and history."""
    report.section("start-up: whole process, median of eleven in turns")
    with tempfile.TemporaryDirectory() as folder:
        made = project.make(Path(folder), 10, environments=8)
        for number in range(1, 9):
            made.release("promote", "v1.4", "--to", f"test{number}", "--yes", "-q")
        ours = [*project.RELEASE, "-C", str(made.root)]
        commands = {
            "python -c pass": timing.Command(bare_python(), dict(os.environ)),
            "release --version": timing.Command([*project.RELEASE, "--version"], made.environ),
            "release --help": timing.Command([*project.RELEASE, "--help"], made.environ),
            "completion of a verb": timing.Command([*project.RELEASE, "__complete", "pro"], made.environ),
            "completion of an environment": timing.Command(
                [*ours, "__complete", "promote", "v1", "--to", "te"], made.environ
            ),
            "release status (8 environments)": timing.Command([*ours, "status"], made.environ),
            "release history": timing.Command([*ours, "history"], made.environ),
        }
        medians = timing.alternating(commands, rounds=3 if quick else 11)
    bare = medians["python -c pass"]
    for name, seconds in medians.items():
        report.add(name, seconds * 1000, "ms")
        if name != "python -c pass":
            report.add(f"{name} / python -c pass", seconds / bare, "times")
