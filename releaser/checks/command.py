"""The declared `verify` command: the project's own word on whether a delivery works."""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from releaser.model.environment import Verify
from releaser.model.errors import Interrupted, VerifyFailed
from releaser.planning.redact import printable
from releaser.ports import Stop

if TYPE_CHECKING:
    from releaser.processes.run import Completed

LAST_LINES = 10
_LONGEST_LINE = 500  # characters of one line that are shown


class CommandVerifier:
    """Runs `verify` at the project's root with a minimal environment; exit code 0 is yes."""

    def __init__(self, root: Path, environ: Mapping[str, str], masked: Callable[[str], str] = str) -> None:
        self._root = root
        self._environ = environ
        self._masked = masked

    def run(self, verify: Verify, variables: Mapping[str, str], stop: Stop) -> None:
        """Raises VerifyFailed with the command's last words, Interrupted where somebody asked to stop."""
        from releaser.processes.run import NotStarted, minimal_environment, run  # noqa: PLC0415 - reading verbs run none

        shown = printable(shlex.join(verify.command))
        if stop.requested():
            raise Interrupted(f"stopped before the verify command `{shown}` ran")
        try:
            done = run(
                verify.command,
                timeout=verify.timeout,
                env=minimal_environment(variables, self._environ),
                cwd=self._root,
                stop=stop,
            )
        except NotStarted as error:
            raise VerifyFailed(
                f"the verify command `{shown}` {error.reason}",
                hint="it runs at the project's root, without a shell: correct `verify.command`",
            ) from error
        if done.stopped:
            raise Interrupted(f"stopped while the verify command `{shown}` ran")
        if done.timed_out:
            raise self._failed(shown, f"did not end within {verify.timeout:g} s", done, variables)
        if done.returncode != 0:
            raise self._failed(shown, done.ending, done, variables)

    def _failed(self, shown: str, how: str, done: "Completed", variables: Mapping[str, str]) -> VerifyFailed:
        # Masked before anything is cut: half a secret would not be known as one.
        said = self._masked(done.output.decode(errors="replace"))
        return _failed(shown, how, _last_words(said, cut=done.truncated), variables)


def _failed(shown: str, how: str, words: list[str], variables: Mapping[str, str]) -> VerifyFailed:
    settings = (printable(f"{name}={shlex.quote(value)}") for name, value in sorted(variables.items()))
    return VerifyFailed(
        "\n".join((f"the verify command `{shown}` {how}", *words)),
        hint=" ".join(("run it yourself at the project's root:", *settings, shown)),
    )


def _last_words(output: str, *, cut: bool) -> list[str]:
    """The last lines that say something, indented; `cut`: the beginning is missing.

    What is left of a cut line may begin with half a secret, so it is not shown.
    """
    lines = [line.rstrip() for line in output.split("\n")][1 if cut else 0 :]
    said = [line for line in lines if line][-LAST_LINES:]
    return [f"  {printable(line[:_LONGEST_LINE])}" for line in said]
