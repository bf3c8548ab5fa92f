"""`python -m bench.calls FILE WORDS...`: `release WORDS...`, with each request to a cluster as a line of a file."""

import sys
from pathlib import Path
from typing import Any

from releaser.cli.main import main
from releaser.engines.kubernetes.connection import Answer, Connection


def counted(file: Path) -> None:
    """Note every request from now on."""
    request = Connection.request

    def note(self: Connection, method: str, path: str, **more: Any) -> Answer:
        dry = " (dry run)" if "dryRun" in (more.get("query") or {}) else ""
        with file.open("a") as lines:
            lines.write(f"{method} {path}{dry}\n")
        return request(self, method, path, **more)

    Connection.request = note  # type: ignore[method-assign]


if __name__ == "__main__":
    counted(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
