"""The optimisations of the trade as rules over a Dockerfile, each with its reason and its mend; pure."""

import re
from collections.abc import Callable, Iterator, Sequence

from releaser.model.lint import ERROR, INFO, WARNING, Finding
from releaser.model.value import Value
from releaser.planning.dockerfile import Instruction, instructions, references

_INSTALLS = re.compile(
    r"\b(pip3? install|npm (ci|install)|yarn install|pnpm install|apt-get install|apk add|go mod download"
    r"|bundle install|composer install|cargo fetch|mvn \S*dependency|gradle dependencies|poetry install|uv sync)\b"
)
_SECRET = re.compile(r"(?i)(password|passwd|secret|token|api_?key|private_?key|credential)")
_CHANGING = re.compile(r"(?i)\b(build_?date|git_?(sha|commit|rev)|commit|revision|build_?(number|id))\b")
_ARCHIVE = re.compile(r"\.(tar|tgz|tar\.(gz|xz|bz2|zst)|txz|tbz2)\b")
_REMOVED = re.compile(r"\brm\s+(?:-\w+\s+)*(/\S+)")
_WHOLE = frozenset({".", "./"})
_MOST_RUNS = 3


class Dockerfile(Value, frozen=True, kw_only=True):
    """What rules look at."""

    path: str
    found: tuple[Instruction, ...]
    text: str
    ignores: bool | None  # whether its context has a .dockerignore; None where that is not known


Rule = Callable[[Dockerfile], Iterator[tuple[int, str]]]
"""The lines that a rule finds fault with, and what is wrong there."""


def lint(text: str, path: str, *, ignores: bool | None) -> tuple[Finding, ...]:
    """Every finding, in the order of the lines."""
    file = Dockerfile(path=path, found=tuple(instructions(text)), text=text, ignores=ignores)
    found = [
        Finding(rule=name, level=level, file=path, line=line, message=message, mend=mend)
        for name, (level, mend, rule) in RULES.items()
        for line, message in rule(file)
    ]
    return tuple(sorted(found, key=lambda one: (one.line or 0, one.rule)))


def together(ours: Sequence[Finding], others: Sequence[Finding]) -> list[Finding]:
    """Both, in the order of the lines; what another linter says of the same thing in the same line is said once."""
    told = {(one.line, twin) for one in ours for twin in _TWINS.get(one.rule, ())}
    both = [*ours, *(one for one in others if (one.line, one.rule) not in told)]
    return sorted(both, key=lambda one: (one.line or 0, one.rule))


_TWINS = {
    "base-version": ("DL3006", "DL3007"),
    "base-pinned": ("DL3006", "DL3007"),
    "root-user": ("DL3002",),
    "package-lists": ("DL3009", "DL3019"),
    "recommended-packages": ("DL3015",),
    "pip-cache": ("DL3042",),
    "layers": ("DL3059",),
    "add": ("DL3020",),
    "shell-form": ("DL3025",),
    "run-habits": ("DL3003", "DL3004"),
}
"""Rule → hadolint's names for it."""


# --- rules ---


def _base_pinned(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for instruction, _, name in references(file.text, {}):
        if "@sha256:" not in name and "$" not in name:
            yield instruction.line, f"{name} is named by a tag, which is another image tomorrow"


def _base_version(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for instruction, _, name in references(file.text, {}):
        last = name.rpartition("/")[2]
        if "@" not in name and "$" not in name and (":" not in last or last.endswith(":latest")):
            yield instruction.line, f"{name} names no version"


def _user(file: Dockerfile) -> Iterator[tuple[int, str]]:
    stage = _last_stage(file.found)
    users = [one for one in stage if one.word == "USER"]
    if users and users[-1].value.partition(":")[0] not in {"root", "0"}:
        return
    runs = next((one for one in reversed(stage) if one.word in {"CMD", "ENTRYPOINT"}), None)
    where = users[-1] if users else runs
    if where is not None:
        yield where.line, "it runs as root: whoever breaks in is root in the container, and nearer to the host"


def _cache_order(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for stage in _stages(file.found):
        whole = next((one for one in stage if one.word in {"COPY", "ADD"} and _copies_all(one)), None)
        if whole is not None:
            after = next((one for one in stage if one.line > whole.line and _installs(one)), None)
            if after is not None:
                yield whole.line, f"all of the context is copied before line {after.line}, which each change makes anew"


def _changing_early(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for stage in _stages(file.found):
        for one in stage:
            if one.word in {"ARG", "ENV", "LABEL"} and _CHANGING.search(one.value):
                after = next((other for other in stage if other.line > one.line and _installs(other)), None)
                if after is not None:
                    yield one.line, f"it is another one in each build, so line {after.line} is made anew each time"


def _package_lists(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in _runs(file):
        kept = "/var/lib/apt/lists" not in one.value
        if re.search(r"\bapt(-get)? install\b", one.value) and kept:
            yield one.line, "the package lists stay in the layer"
        if re.search(r"\bapk add\b", one.value) and "--no-cache" not in one.value and "type=cache" not in one.value:
            yield one.line, "the package index stays in the layer"


def _recommends(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in _runs(file):
        if re.search(r"\bapt(-get)? install\b", one.value) and "--no-install-recommends" not in one.value:
            yield one.line, "packages are installed that nobody asked for"


def _pip_cache(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in _runs(file):
        quiet = "--no-cache-dir" in one.value or "type=cache" in one.value or "PIP_NO_CACHE_DIR" in file.text
        if re.search(r"\bpip3? install\b", one.value) and not quiet:
            yield one.line, "pip's cache stays in the layer"


def _many_runs(file: Dockerfile) -> Iterator[tuple[int, str]]:
    row: list[Instruction] = []
    for one in (*file.found, None):
        if one is not None and one.word == "RUN":
            row.append(one)
            continue
        if len(row) >= _MOST_RUNS:
            yield row[0].line, f"{len(row)} RUN in a row make {len(row)} layers"
        row = []


def _removed_later(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for stage in _stages(file.found):
        copied = [one for one in stage if one.word in {"COPY", "ADD"}]
        for one in stage:
            for path in _REMOVED.findall(one.value) if one.word == "RUN" else ():
                earlier = next(
                    (c for c in copied if c.line < one.line and _target(c).startswith(path.rstrip("/*"))), None
                )
                if earlier is not None:
                    yield one.line, f"{path} was copied in line {earlier.line}, and stays in that layer"


def _secrets(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in file.found:
        if one.word in {"ARG", "ENV"}:
            for name in re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==|\s|$)", one.value):
                if _SECRET.search(name) and not name.lower().endswith("_file"):
                    yield one.line, f"{name} stays in the image's history for everybody who has it"


def _adds(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in file.found:
        if one.word != "ADD":
            continue
        if re.search(r"\bhttps?://", one.value):
            if "--checksum=" not in one.value:
                yield one.line, "what the URL has tomorrow is another thing, and nobody notices"
        elif not _ARCHIVE.search(one.value) and "git@" not in one.value:
            yield one.line, "ADD unpacks and fetches; for files COPY says what it does"


def _shell_form(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in file.found:
        if one.word in {"CMD", "ENTRYPOINT"} and one.value and not one.value.startswith("["):
            yield one.line, "a shell stands before the program, and keeps the signal that asks it to end"


def _ignored(file: Dockerfile) -> Iterator[tuple[int, str]]:
    whole = next((one for one in file.found if one.word in {"COPY", "ADD"} and _copies_all(one)), None)
    if whole is not None and file.ignores is False:
        yield whole.line, "there is no .dockerignore: .git, secrets and build output go into the image"


def _changes_folder(file: Dockerfile) -> Iterator[tuple[int, str]]:
    for one in _runs(file):
        if re.match(r"(?:--\S+\s+)*cd\s", one.value):
            yield one.line, "the folder is forgotten after this step"
        if re.search(r"\bsudo\b", one.value):
            yield one.line, "sudo in a build is root already, or is a way to become it later"


RULES: dict[str, tuple[str, str, Rule]] = {
    "base-pinned": (WARNING, "add its digest: NAME:TAG@sha256:…", _base_pinned),
    "base-version": (WARNING, "name the version that you mean", _base_version),
    "root-user": (WARNING, "USER 1000, or a name that the image has", _user),
    "cache-order": (WARNING, "copy the list of dependencies, install them, then copy the code", _cache_order),
    "changing-early": (WARNING, "move it behind what is installed", _changing_early),
    "package-lists": (WARNING, "rm -rf /var/lib/apt/lists/* in the same RUN; apk add --no-cache", _package_lists),
    "recommended-packages": (WARNING, "apt-get install --no-install-recommends", _recommends),
    "pip-cache": (WARNING, "pip install --no-cache-dir, or RUN --mount=type=cache", _pip_cache),
    "layers": (INFO, "join them with && where they belong together", _many_runs),
    "removed-later": (WARNING, "do not copy it, or remove it in the step that makes it", _removed_later),
    "secret-in-history": (ERROR, "RUN --mount=type=secret, with `secrets` of the build", _secrets),
    "add": (WARNING, "COPY for files; ADD --checksum=sha256:… for a URL", _adds),
    "shell-form": (WARNING, 'write it as a list: CMD ["program", "argument"]', _shell_form),
    "dockerignore": (WARNING, "write a .dockerignore beside the context", _ignored),
    "run-habits": (INFO, "WORKDIR for a folder; no sudo", _changes_folder),
}
"""Rule → its level, its mend, and what finds it."""


# --- parts ---


def _stages(found: Sequence[Instruction]) -> list[list[Instruction]]:
    stages: list[list[Instruction]] = []
    for one in found:
        if one.word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(one)
    return stages


def _last_stage(found: Sequence[Instruction]) -> list[Instruction]:
    stages = _stages(found)
    return stages[-1] if stages else []


def _runs(file: Dockerfile) -> Iterator[Instruction]:
    return (one for one in file.found if one.word == "RUN")


def _installs(one: Instruction) -> bool:
    return one.word == "RUN" and _INSTALLS.search(one.value) is not None


def _copies_all(one: Instruction) -> bool:
    words = [word for word in one.value.split() if not word.startswith("--")]
    return "--from=" not in one.value and bool(_WHOLE & set(words[:-1]))


def _target(one: Instruction) -> str:
    words = [word for word in one.value.split() if not word.startswith("--")]
    if len(words) < 2:
        return ""
    target, source = words[-1], words[-2].rstrip("/").rpartition("/")[2]
    return target + source if target.endswith("/") else target
