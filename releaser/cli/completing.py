"""Completing: what may stand at the end of a command line; a shell asks at each key, so it is quick and never fails.

Each line is a word and what it means, with a tab between; `:files` leaves it to the shell.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from releaser.cli.table import SHARED_FLAGS, SHARED_VALUES, VERBS

if TYPE_CHECKING:
    from releaser.model.tree import Node
    from releaser.ports import HistoryStore

Candidate = tuple[str, str]

FILES: Candidate = (":files", "")
MOST = 50
"""Deliveries that are offered: older ones are typed."""
ENVIRONMENT, DELIVERY, RELEASE, PLAN_FILE = "ENV", "ENV/REVISION", "RELEASE", "FILE"
IMAGE, SCHEMA, SHELL, OTHER = "NAME=", "SCHEMA", "SHELL", ""

ARGUMENTS = {
    "build": (RELEASE,),
    "create": (RELEASE,),
    "plan": (RELEASE,),
    "promote": (RELEASE,),
    "apply": (PLAN_FILE,),
    "resume": (ENVIRONMENT,),
    "abort": (ENVIRONMENT,),
    "show": (DELIVERY,),
    "releases show": (RELEASE,),
    "diff": (DELIVERY, DELIVERY),
    "render": (RELEASE,),
    "schema": (SCHEMA,),
    "completion": (SHELL,),
}
"""Verb → what its arguments are."""

VALUES = {
    "--to": ENVIRONMENT,
    "--env": ENVIRONMENT,
    "--release": RELEASE,
    "--image": IMAGE,
    "--log": IMAGE,
    "--out": PLAN_FILE,
    "--from": PLAN_FILE,
    "-f": PLAN_FILE,
    "--file": PLAN_FILE,
    "--env-file": PLAN_FILE,
    "-C": PLAN_FILE,
    "--directory": PLAN_FILE,
}
"""Option → what its value is."""

WORDS = {
    "--color": ("auto", "always", "never"),
    "-o": ("table", "json", "yaml", "ndjson", "md", "name", "github"),
    "--output": ("table", "json", "yaml", "ndjson", "md", "name", "github"),
    SHELL: ("bash", "zsh", "fish"),
}
OPAQUE = (
    *("-m", "--message", "--by", "--revision", "--limit", "-n", "--project", "--reason", "--history"),
    *("--profile", "-p", "--compose-project", "--secret", "--var", "--platform", "--container"),
)
"""Options whose value nobody can guess."""


def main(words: Sequence[str]) -> int:
    """Print the candidates for the last word; whatever goes wrong, nothing is printed."""
    try:
        found = [f"{word}\t{help_}" if help_ else word for word, help_ in candidates(words)]
        sys.stdout.write("".join(f"{line}\n" for line in found))
        sys.stdout.flush()
    except Exception:  # noqa: BLE001 - nobody wants to read an error at each key
        return 1
    return 0


def candidates(words: Sequence[str]) -> Iterator[Candidate]:
    """What may stand in place of the last word."""
    *before, word = words or [""]
    plain, expected = _read(before)
    if expected is not None:
        yield from _of_kind(expected, word, before)
        return
    verb = _verb(plain)
    if word.startswith("-"):
        yield from _matching(word, _options(verb))
    elif verb is None:
        yield from _matching(word, _verbs(plain))
    else:
        kinds = ARGUMENTS.get(verb, ())
        at = len(plain) - len(verb.split())
        if at < len(kinds):
            yield from _of_kind(kinds[at], word, before)
        if at == 0:
            yield from _matching(word, _verbs(plain))


def _read(words: Sequence[str]) -> tuple[list[str], str | None]:
    """The words that are no options, and the option whose value comes next."""
    plain: list[str] = []
    pending: str | None = None
    for word in words:
        if pending is not None:
            pending = None
        elif word in VALUES or word in WORDS or word in OPAQUE or word in SHARED_VALUES:
            pending = word
        elif not word.startswith("-"):
            plain.append(word)
    return plain, pending


def _verb(plain: Sequence[str]) -> str | None:
    for length in (2, 1):
        if len(plain) >= length and " ".join(plain[:length]) in VERBS:
            return " ".join(plain[:length])
    return None


def _verbs(plain: Sequence[str]) -> Iterator[Candidate]:
    """The next words of verbs that begin with these words."""
    seen: set[str] = set()
    for name, verb in VERBS.items():
        parts = name.split()
        if parts[: len(plain)] == list(plain) and len(parts) > len(plain) and parts[len(plain)] not in seen:
            seen.add(parts[len(plain)])
            yield parts[len(plain)], verb.help if len(parts) == len(plain) + 1 else ""


def _of_kind(kind: str, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    kind = VALUES.get(kind, kind)
    if kind == PLAN_FILE:
        yield FILES
    elif kind in WORDS:
        yield from _matching(word, ((value, "") for value in WORDS[kind]))
    elif kind == SCHEMA:
        from releaser.cli.schema import names  # noqa: PLC0415 - only for this verb

        yield from _matching(word, ((name, "") for name in names()))
    elif kind in {ENVIRONMENT, DELIVERY, IMAGE, RELEASE}:
        root = _root(before)
        yield from _matching(word, _of_project(kind, word, root)) if root is not None else ()


def _of_project(kind: str, word: str, root: Path) -> Iterator[Candidate]:
    if kind == ENVIRONMENT:
        done = word[: word.rfind(",") + 1]
        yield from ((f"{done}{name}", "environment") for name in _environments(root) if name not in done.split(","))
    elif kind == DELIVERY and "/" in word:
        yield from ((name, "delivery") for name in _deliveries(root, word.partition("/")[0]))
    elif kind == DELIVERY:
        yield from ((name, "environment") for name in _environments(root))
    elif kind == IMAGE:
        yield from ((f"{name}=", "image") for name in _pipeline(root)["images"].value)
    else:
        yield from ((version, "release") for version in _releases(root))


def _matching(word: str, found: "Iterator[Candidate]") -> Iterator[Candidate]:
    return (candidate for candidate in found if candidate[0].startswith(word))


def _options(verb: str | None) -> Iterator[Candidate]:
    if verb is None:
        yield from ((option, "") for option in (*SHARED_VALUES, *SHARED_FLAGS, "--help", "--version"))
        return
    from importlib import import_module  # noqa: PLC0415 - only options need the verb's module, and typer

    from releaser.cli.parsing import command_of  # noqa: PLC0415

    for parameter in command_of(verb, import_module(VERBS[verb].module(verb)).Options).params:
        for option in parameter.opts:
            if option.startswith("--"):
                yield option, (getattr(parameter, "help", None) or "").rstrip(".")
    yield "--help", "Show this message and exit"


# --- what the project has ---


def _root(words: Sequence[str]) -> Path | None:
    start = Path()
    for at, word in enumerate(words[:-1]):
        if word in {"-C", "--directory"}:
            start = Path(words[at + 1])
    from releaser.settings import root_above  # noqa: PLC0415 - only where names of the project are asked for

    return root_above(start)


def _pipeline(root: Path) -> "dict[str, Node]":
    from releaser.declarations import yaml12  # noqa: PLC0415 - only where names of the project are asked for

    found: dict[str, Node] = yaml12.load((root / "envs/pipeline.yaml").read_bytes(), "envs/pipeline.yaml").value
    return found


def _environments(root: Path) -> Iterator[str]:
    yield from _pipeline(root)["environments"].value


def _releases(root: Path) -> Iterator[str]:
    with _history(root) as history:
        yield from (release.version for release in history.releases()) if history else ()


def _deliveries(root: Path, environment: str) -> Iterator[str]:
    from releaser.ports import DeliveryQuery  # noqa: PLC0415 - as below

    query = DeliveryQuery(environments=(environment,), limit=MOST)
    with _history(root) as history:
        found = history.deliveries(query) if history else ()
        yield from (f"{item.environment}/{item.revision}" for item in found)


@contextmanager
def _history(root: Path) -> "Iterator[HistoryStore | None]":
    """The history for the length of a block; None where there is none: a key must not make it."""
    from releaser.settings import DEFAULT_HISTORY, history_file, read  # noqa: PLC0415
    from releaser.wiring import open_history  # noqa: PLC0415 - only what is in the history needs it

    node = _pipeline(root).get("history")
    declared = None if node is None else str(node.value)
    setting = read().get("history", declared=declared, default=DEFAULT_HISTORY)
    file = history_file(root, setting.value)
    if file is not None and not file.is_file():
        yield None
        return
    history = open_history(root, setting)
    try:
        yield history
    finally:
        history.close()
