"""The figures as a table for people, and as JSON for machines."""

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, field


@dataclass
class Row:
    """One figure; `target` says what it is to be, `met` whether it is (None: it is for reading)."""

    what: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


@dataclass
class Report:
    """All figures of one run."""

    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str, *, most: float | None = None, least: float | None = None) -> None:
        """Add a figure, and show it."""
        target, met = "", None
        if most is not None:
            target, met = f"≤ {most:g}", value <= most
        elif least is not None:
            target, met = f"≥ {least:g}", value >= least
        row = Row(what, round(value, 4), unit, target, met)
        self.rows.append(row)
        mark = {None: " ", True: "✓", False: "✗"}[met]
        print(f"  {mark} {what:<70} {value:>10.3f} {unit:<6} {target}", flush=True)

    def section(self, title: str) -> None:
        """Begin a part."""
        print(f"\n{title}", flush=True)

    def as_json(self) -> str:
        """Everything, with what it ran on."""
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
        return json.dumps({"machine": machine, "rows": [asdict(row) for row in self.rows]}, indent=2)


def bare_python() -> list[str]:
    """The smallest process that Python has."""
    return [sys.executable, "-c", "pass"]
