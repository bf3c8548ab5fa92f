"""The command `release`: the way from words to a verb, and from what it raises to an exit code."""

import contextlib
import errno
import gc
import os
import sys
from collections.abc import Sequence

from releaser import __version__
from releaser.cli.table import SHARED_FLAGS, SHARED_VALUES, VERBS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code. What needs no verb is answered here, before anything is imported."""
    # A command is short, and makes trees of hundreds of thousands of values that live to its end. The collector would
    # walk through them again and again; what is young is still collected, so long waits do not grow.
    gc.set_threshold(200_000, 20, 1_000)
    _open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    before, rest = split_shared(words)
    if rest[:1] == ["help"]:
        rest = [*rest[1:], "--help"]
    if not rest or rest[0] in {"-h", "--help"}:
        return _answered(help_text(), 0 if rest else 64)
    if rest[0] == "--version":
        return _answered(f"release {__version__}\n")
    if rest[0] == "__complete":
        from releaser.cli import completing  # noqa: PLC0415 - the front door stays light

        return completing.main(rest[1:])
    from releaser.cli.running import run  # noqa: PLC0415 - the front door stays light

    return run(before, rest)


def _answered(text: str, code: int = 0) -> int:
    """Print what needs no verb; a reader who went away is no error."""
    stream = sys.stderr if code else sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left in its buffer goes nowhere
        if stream is sys.stdout and error.errno != errno.EPIPE:
            sys.stderr.write(f"error: the answer could not be written: {error.strerror}\n")
            return 5
    return code


def _open_closed_streams() -> None:
    """A stream that our caller closed leads nowhere; else the next file that is opened would take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def split_shared(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The shared options that stand before the verb, and the rest."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        word = words[at]
        if word in SHARED_VALUES:
            at += 2
        elif word in SHARED_FLAGS or word.partition("=")[0] in SHARED_VALUES or word[:2] in {"-C", "-o"}:
            at += 1
        else:
            break
    return list(words[:at]), list(words[at:])


def help_text() -> str:
    """What `release --help` prints."""
    lines = [
        "release: promote one image digest through your environments, and keep a record of it",
        "",
        "usage: release VERB [ARGUMENTS]            release VERB --help says more",
    ]
    width = max(map(len, VERBS)) + 2
    group = ""
    for name, verb in VERBS.items():
        if verb.group != group:
            group = verb.group
            lines += ["", f"{group}:"]
        lines.append(f"  {name:{width}}{verb.help}")
    lines += [
        "",
        "Everywhere:",
        "  -C DIR   -o table|json|yaml   --json   -q   -v   --color auto|always|never   --no-input   --debug",
        "",
    ]
    return "\n".join(lines)
