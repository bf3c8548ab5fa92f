"""hadolint, where it is installed: a separate program whose findings are told beside ours.

https://github.com/hadolint/hadolint
"""

import json
import shutil

from releaser.model.lint import ERROR, INFO, WARNING, Finding
from releaser.planning.redact import printable
from releaser.planning.secret_texts import hidden
from releaser.processes.run import NotStarted, minimal_environment, run

_TIMEOUT = 30.0
_MOST = 1 << 20
_LEVELS = {"error": ERROR, "warning": WARNING}


def hadolint(text: str, path: str) -> tuple[Finding, ...] | None:
    """What it finds in a Dockerfile; None where it is not installed, or gives no answer."""
    if shutil.which("hadolint") is None:
        return None
    argv = ["hadolint", "--no-color", "--no-fail", "--format", "json", "-"]
    try:
        done = run(argv, timeout=_TIMEOUT, env=minimal_environment(), stdin=text.encode(), limit=_MOST)
        found = json.loads(done.stdout)
        return tuple(
            Finding(
                rule=str(one["code"]),
                level=_LEVELS.get(one["level"], INFO),
                file=path,
                line=int(one["line"]),
                message=printable(hidden(str(one["message"]))),
                mend=f"https://github.com/hadolint/hadolint/wiki/{one['code']}",
            )
            for one in found
        )
    except (NotStarted, ValueError, KeyError, TypeError):
        return None
