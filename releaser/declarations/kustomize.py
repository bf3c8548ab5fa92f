"""A kustomization built by the program that is there, without the network, and the files that it rests on."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from releaser.declarations import yaml12
from releaser.declarations.files import ProjectFiles, Unreadable
from releaser.declarations.problems import problem
from releaser.declarations.yaml_text import MAX_BYTES
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import LIST, MAP, SCALAR, Node
from releaser.model.value import Location
from releaser.processes.run import NotStarted, minimal_environment, run

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
TIMEOUT = 30.0  # seconds
MAX_FILES = 1_000
MAX_FOLDERS = 100

_OFFLINE = (
    "http://127.0.0.1:9"  # a port that nothing listens on (discard): what asks for the network is told so at once
)
_REFERS = ("resources", "bases", "components")
_REMOTE = re.compile(r"//|::|[?]|^[^/]+@|^(?:www\.)?(?:github|gitlab|bitbucket)\.[a-z]+[:/]", re.IGNORECASE)
_PAST_THE_WORD = re.compile(r"^(?:Error|error): *")


def build(files: ProjectFiles, folder: str) -> bytes:
    """The objects as `kustomize build` prints them. Raises Unreadable with the program's last words."""
    command, name = _program()
    try:
        done = run(
            (*command, str(files.root / folder)),
            timeout=TIMEOUT,
            env=minimal_environment(_without_network()),
            cwd=files.root,
            limit=MAX_BYTES,
        )
    except NotStarted as error:
        raise Unreadable(
            f"{name} cannot be started: {error.reason}", "see that it is a program that runs here"
        ) from error
    said = done.stderr.decode(errors="replace").strip().splitlines()
    last = _PAST_THE_WORD.sub("", said[-1]).replace(f"{files.root}/", "") if said else done.ending
    if done.timed_out:
        raise Unreadable(
            f"{name} has not built `{folder}` after {TIMEOUT:g}s", "nothing is fetched: see what it waits for"
        )
    if done.returncode:
        raise Unreadable(f"{name} cannot build `{folder}`: {last}", f"try it: {name} {folder}; nothing is fetched")
    if done.truncated:
        raise Unreadable(f"{name} makes more than {MAX_BYTES // 1024 // 1024} MiB of `{folder}`", "split it")
    return done.stdout


def _program() -> tuple[tuple[str, ...], str]:
    for name, words in (("kustomize", ("build",)), ("kubectl", ("kustomize",))):
        found = shutil.which(name)
        if found is not None:
            return (found, *words), f"{name} {words[0]}"
    raise Unreadable("there is no program that builds it", "install `kustomize` or `kubectl`")


def _without_network() -> Mapping[str, str]:
    """No way of git to what is kept elsewhere, and a proxy that does not answer."""
    words = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    git = {"GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}
    return {**git, **dict.fromkeys(words, _OFFLINE), "NO_PROXY": "", "no_proxy": ""}


def file_of(files: ProjectFiles, folder: str) -> str:
    """The kustomization's own file, relative to the root. Raises Unreadable where there is none."""
    names = files.listed(folder)
    found = next((name for name in NAMES if name in names), None)
    if found is None:
        raise Unreadable(f"`{folder}` has no {NAMES[0]}", "name the folder that has it")
    return str(Path(folder) / found)


def rests_on(files: ProjectFiles, folder: str) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The files below the folder and those that it refers to, and what is refused: what is elsewhere, or too much."""
    found: list[str] = []
    problems: list[Problem] = []
    left, seen = [os.path.normpath(folder)], set()
    while left and not problems:
        here = left.pop()
        if here in seen:
            continue
        seen.add(here)
        own = file_of(files, here)
        found.extend(_below(files.root, here))
        if len(seen) > MAX_FOLDERS or len(found) > MAX_FILES:
            message = f"more than {MAX_FILES} files or {MAX_FOLDERS} folders"
            problems.append(problem(message, "keep what it needs in folders of its own", _first(own)))
            break
        for entry in _entries(files, own, problems):
            _follow(files, here, entry, left, problems)
    return tuple(dict.fromkeys(found)), tuple(problems)


def _follow(files: ProjectFiles, here: str, entry: Node, left: list[str], problems: list[Problem]) -> None:
    text = str(entry.value)
    if _REMOTE.search(text):
        hint = "nothing is fetched, so that a delivery is what the project says: keep a copy below the root"
        problems.append(problem(f"`{text}` is kept elsewhere", hint, entry.location))
        return
    path = os.path.normpath(Path(here) / text)
    try:
        if files.is_folder(path):
            file_of(files, path)
            left.append(path)
    except Unreadable as error:
        problems.append(problem(error.message, error.hint, entry.location))


def _entries(files: ProjectFiles, own: str, problems: list[Problem]) -> Iterator[Node]:
    try:
        node = yaml12.load(files.read(own, MAX_BYTES), own)
    except Unreadable as error:
        problems.append(problem(error.message, error.hint, _first(own)))
        return
    except InvalidDeclarations as error:
        problems.extend(error.problems)
        return
    for word in _REFERS:
        entries = node.value.get(word) if node.kind == MAP else None
        if entries is not None and entries.kind == LIST:
            yield from (entry for entry in entries.value if entry.kind == SCALAR)


def _below(root: Path, folder: str) -> Iterator[str]:
    count = 0
    for place, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            count += 1
            if count > MAX_FILES + 1:
                return
            yield os.path.relpath(Path(place) / name, root)


def _first(file: str) -> Location:
    return Location(file=file, line=1, column=1)
