"""The rules over a Dockerfile: each gives the lines that it finds fault with, and what is wrong there; pure."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from releaser.model.value import Value
from releaser.planning.dockerfile import Instruction, Stage, copied, final, flags, references
from releaser.planning.secret_texts import assignments, given_away, is_place_of_secrets, is_secret, is_secret_file

Found = Iterator[tuple[int, str]]

_OPTIONS = r"\s+(?:-[ot]\s+\S+\s+|-\S+\s+){0,8}"
_INSTALLS = {
    tool: re.compile(rf"\b{tool}{_OPTIONS}(?:{verbs})(?![\w-])")
    for tool, verbs in {
        "pip3?": "install",
        "npm": "ci|install",
        "yarn": "install",
        "pnpm": "install",
        "apt(?:-get)?": "install",
        "apk": "add",
        "go": r"mod\s+download",
        "bundle": "install",
        "composer": "install",
        "cargo": "fetch",
        "mvn": r"\S*dependency",
        "gradle": "dependencies",
        "poetry": "install",
        "uv": "sync",
    }.items()
}
"""Tool → how it installs dependencies."""
_APT, _APK, _PIP = _INSTALLS["apt(?:-get)?"], _INSTALLS["apk"], _INSTALLS["pip3?"]
_LISTS = re.compile(r"--mount=(?=\S*type=(?:cache|tmpfs))(?:\S*,)?(?:target|dst|destination)=/var/lib/apt/?(?:,|\Z)")
_NOT_ROOT = re.compile(r":(?:[\w.-]*-)?nonroot(?:@|\Z)")
"""Tags of images whose own user is none, as distroless has them."""
_CHANGING = re.compile(r"(?i)\b(build_?date|git_?(sha|commit|rev)|commit|revision|build_?(number|id))\b")
_ARCHIVE = re.compile(r"\.(tar|tgz|tar\.(gz|xz|bz2|zst)|txz|tbz2)\b")
_REMOVES = re.compile(r"(?<![\w-])rm\s([^;&|\n]*)")
_WHOLE = frozenset({".", "./"})
_MOST_RUNS = 3
_LATER = "given when it is built"


class Dockerfile(Value, frozen=True, kw_only=True):
    """What rules look at."""

    path: str
    found: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    text: str
    ignores: bool | None  # whether its context has a .dockerignore; None where that is not known


# --- what it is built on, and who runs it ---


def base_pinned(file: Dockerfile) -> Found:
    """Bases without a digest."""
    for instruction, _, name in references(file.text, {}):
        if "@sha256:" not in name and "$" not in name:
            yield instruction.line, f"{name} is named by a tag, which is another image tomorrow"


def base_version(file: Dockerfile) -> Found:
    """Bases without a tag, or with one that says nothing."""
    for instruction, _, name in references(file.text, {}):
        last = name.rpartition("/")[2]
        if "@" not in name and "$" not in name and (":" not in last or last.endswith(":latest")):
            yield instruction.line, f"{name} names no version"


def user(file: Dockerfile) -> Found:
    """The last stage's user, or that of the stages below it."""
    chain = final(file.stages)
    steps = [one for stage in chain for one in stage.steps]
    users = [one for one in steps if one.word == "USER"]
    if users and users[-1].value.partition(":")[0] not in {"root", "0"}:
        return
    if not users and chain and _NOT_ROOT.search(chain[0].base):
        return
    runs = next((one for one in reversed(steps) if one.word in {"CMD", "ENTRYPOINT"}), None)
    where = users[-1] if users else runs
    if where is not None:
        yield where.line, "it runs as root: whoever breaks in is root in the container, and nearer to the host"


# --- what makes builds slow, and images large ---


def cache_order(file: Dockerfile) -> Found:
    """Code that is copied before dependencies are installed."""
    for stage in file.stages:
        whole = next((one for one in stage.steps if _copies_all(one)), None)
        if whole is not None:
            before = _installed_from_lists(stage, whole)
            after = next((one for one in stage.steps if one.line > whole.line and _tools(one) - before), None)
            if after is not None:
                yield whole.line, f"all of the context is copied before line {after.line}, which each change makes anew"


def changing_early(file: Dockerfile) -> Found:
    """What is another one in each build, before what is installed."""
    for stage in file.stages:
        for one in stage.steps:
            if one.word in {"ARG", "ENV", "LABEL"} and _CHANGING.search(one.value):
                after = next((other for other in stage.steps if other.line > one.line and _tools(other)), None)
                if after is not None:
                    yield one.line, f"it is another one in each build, so line {after.line} is made anew each time"


def package_lists(file: Dockerfile) -> Found:
    """Package lists that neither the same step removes, nor a mount keeps out."""
    for one in _runs(file):
        kept = "/var/lib/apt/lists" not in one.value and not any(map(_LISTS.match, flags(one)))
        if _APT.search(one.value) and kept:
            yield one.line, "the package lists stay in the layer"
        without = any(word in one.value for word in ("--no-cache", "type=cache", "/var/cache/apk"))
        if _APK.search(one.value) and not without:
            yield one.line, "the package index stays in the layer"


def recommends(file: Dockerfile) -> Found:
    """Packages that others only recommend."""
    for one in _runs(file):
        if _APT.search(one.value) and "--no-install-recommends" not in one.value:
            yield one.line, "packages are installed that nobody asked for"


def pip_cache(file: Dockerfile) -> Found:
    """What pip keeps for the next time, which never comes."""
    for one in _runs(file):
        quiet = "--no-cache-dir" in one.value or "type=cache" in one.value or "PIP_NO_CACHE_DIR" in file.text
        if _PIP.search(one.value) and not quiet:
            yield one.line, "pip's cache stays in the layer"


def many_runs(file: Dockerfile) -> Found:
    """Rows of RUN."""
    for row in rows(file.found):
        yield row[0].line, f"{len(row)} RUN in a row make {len(row)} layers"


def rows(found: Sequence[Instruction]) -> Iterator[list[Instruction]]:
    """The rows of RUN that are too long."""
    row: list[Instruction] = []
    for one in (*found, None):
        if one is not None and one.word == "RUN":
            row.append(one)
            continue
        if len(row) >= _MOST_RUNS:
            yield row
        row = []


def removed_later(file: Dockerfile) -> Found:
    """What is copied, and removed in another step."""
    for stage in file.stages:
        targets: list[tuple[Instruction, list[str]]] = []
        for one in stage.steps:
            targets += [(one, _parts(target)) for target in _targets(one)]
            for path in _removed(one):
                earlier = next((copy for copy, target in targets if _is_below(target, _parts(path))), None)
                if earlier is not None:
                    yield one.line, f"{path} was copied in line {earlier.line}, and stays in that layer"


# --- secrets ---


def secrets(file: Dockerfile) -> Found:
    """What gives a secret away; its value is not shown."""
    for one in file.found:
        for name in dict.fromkeys(_given_away(one)):
            yield one.line, f"{name} stays in the image's history for everybody who has it"


def secret_files(file: Dockerfile) -> Found:
    """Files of the context that are secrets by their names, where they get into the image."""
    for stage in final(file.stages):
        for one in stage.steps:
            sources, target = copied(one)
            for source in filter(is_secret_file, sources if is_place_of_secrets(target) else ()):
                yield one.line, f"{source} goes into a layer, also where a later one removes it"


# --- habits ---


def adds(file: Dockerfile) -> Found:
    """ADD where COPY does, and URLs that may have anything tomorrow."""
    for one in file.found:
        if one.word != "ADD":
            continue
        if re.search(r"\bhttps?://", one.value):
            if "--checksum=" not in one.value:
                yield one.line, "what the URL has tomorrow is another thing, and nobody notices"
        elif not _ARCHIVE.search(one.value) and "git@" not in one.value:
            yield one.line, "ADD unpacks and fetches; for files COPY says what it does"


def shell_form(file: Dockerfile) -> Found:
    """Programs behind a shell."""
    for one in file.found:
        if one.word in {"CMD", "ENTRYPOINT"} and one.value and not one.value.startswith("["):
            yield one.line, "a shell stands before the program, and keeps the signal that asks it to end"


def ignored(file: Dockerfile) -> Found:
    """A context that is copied whole, without a .dockerignore."""
    whole = next(filter(_copies_all, file.found), None)
    if whole is not None and file.ignores is False:
        yield whole.line, "there is no .dockerignore: .git, secrets and build output go into the image"


def changes_folder(file: Dockerfile) -> Found:
    """Habits of another shell."""
    for one in _runs(file):
        if re.match(r"(?:--\S+\s+)*cd\s", one.value):
            yield one.line, "the folder is forgotten after this step"
        if re.search(r"\bsudo\b", one.value):
            yield one.line, "sudo in a build is root already, or is a way to become it later"


# --- parts ---


def _runs(file: Dockerfile) -> Iterator[Instruction]:
    return (one for one in file.found if one.word == "RUN")


def _tools(one: Instruction) -> set[str]:
    """The tools that fetch dependencies in it."""
    if one.word != "RUN" or "--no-deps" in one.value:
        return set()
    return {tool for tool, pattern in _INSTALLS.items() if pattern.search(one.value)}


def _installed_from_lists(stage: Stage, whole: Instruction) -> set[str]:
    """The tools that have installed what a list says, before all of the context is there."""
    listed, found = False, set[str]()
    for one in stage.steps:
        if one.line >= whole.line:
            break
        listed = listed or bool(copied(one)[0])
        if listed or "type=bind" in one.value:
            found |= _tools(one)
    return found


def _copies_all(one: Instruction) -> bool:
    return bool(_WHOLE & set(copied(one)[0]))


def _targets(one: Instruction) -> Iterator[str]:
    """The paths in the image of what is copied."""
    sources, target = copied(one)
    for source in sources:
        name = source.rstrip("/").rpartition("/")[2]
        yield target + name if target.endswith("/") else target


def _removed(one: Instruction) -> Iterator[str]:
    for words in _REMOVES.findall(one.value) if one.word == "RUN" else ():
        yield from (word for word in words.split() if word.startswith("/"))


def _is_below(path: Sequence[str], above: Sequence[str]) -> bool:
    """Whether a path is another one, which may be a pattern, or below it; nothing is below the root itself."""
    alike = len(path) >= len(above) and all(map(fnmatchcase, path, above))
    return alike and any(part.strip("*") for part in above)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _given_away(one: Instruction) -> Iterator[str]:
    if one.word not in {"ARG", "ENV"}:
        yield from given_away(one.value)
        return
    name, *text = one.value.split(None, 1) or [""]
    several = [(name, "".join(text))] if one.word == "ENV" and "=" not in name else assignments(one.value)
    for variable, value in several:
        if is_secret(variable, value or (_LATER if one.word == "ARG" else "")):
            yield variable
        else:
            yield from given_away(value or "")
