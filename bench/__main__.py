"""Run every benchmark: a table on the terminal, JSON in a file."""

import argparse
from pathlib import Path

from bench import builds, engines, histories, images, kubernetes, plans, startup
from bench.report import Report


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: that everything runs")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where the JSON goes")
    arguments = parser.parse_args()
    report = Report()
    startup.run(report, quick=arguments.quick)
    plans.run(report, quick=arguments.quick)
    plans.memory(report, quick=arguments.quick)
    histories.run(report, quick=arguments.quick)
    engines.run(report, quick=arguments.quick)
    builds.run(report, quick=arguments.quick)
    images.run(report, quick=arguments.quick)
    kubernetes.run(report, quick=arguments.quick)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(report.as_json() + "\n")
    print(f"\nJSON: {arguments.json}")


if __name__ == "__main__":
    main()
