"""The optimisations of the trade as rules over a Dockerfile, each with its reason and its mend; pure."""

from collections.abc import Callable, Iterator, Sequence

from releaser.model.lint import ERROR, INFO, WARNING, Finding
from releaser.planning import lint_rules as rules
from releaser.planning.dockerfile import instructions, stages

Rule = Callable[[rules.Dockerfile], Iterator[tuple[int, str]]]
"""The lines that a rule finds fault with, and what is wrong there."""


def lint(text: str, path: str, *, ignores: bool | None) -> tuple[Finding, ...]:
    """Every finding, in the order of the lines; a secret's value is not shown."""
    instructed = tuple(instructions(text))
    file = rules.Dockerfile(
        path=path, found=instructed, stages=tuple(stages(instructed, {})), text=text, ignores=ignores
    )
    found = [
        Finding(rule=name, level=level, file=path, line=line, message=message, mend=mend)
        for name, (level, mend, rule) in RULES.items()
        for line, message in rule(file)
    ]
    return tuple(sorted(found, key=lambda one: (one.line or 0, one.rule)))


def together(text: str, ours: Sequence[Finding], others: Sequence[Finding]) -> list[Finding]:
    """Both, in the order of the lines; what another linter says of the same thing in the same place is said once."""
    told = {(one.line, twin) for one in ours for twin in _TWINS.get(one.rule, ())}
    told |= {(one.line, _ROW) for row in rules.rows(instructions(text)) for one in row}
    both = [*ours, *(one for one in others if (one.line, one.rule) not in told)]
    return sorted(both, key=lambda one: (one.line or 0, one.rule))


_TWINS = {
    "base-version": ("DL3006", "DL3007"),
    "base-pinned": ("DL3006", "DL3007"),
    "root-user": ("DL3002",),
    "package-lists": ("DL3009", "DL3019"),
    "recommended-packages": ("DL3015",),
    "pip-cache": ("DL3042",),
    "add": ("DL3020",),
    "shell-form": ("DL3025",),
    "run-habits": ("DL3003", "DL3004"),
}
"""Rule → hadolint's names for it."""
_ROW = "DL3059"
"""It says so in each line of a row, `layers` in the first."""

RULES: dict[str, tuple[str, str, Rule]] = {
    "base-pinned": (WARNING, "add its digest: NAME:TAG@sha256:…", rules.base_pinned),
    "base-version": (WARNING, "name the version that you mean", rules.base_version),
    "root-user": (WARNING, "USER 1000, or a name that the image has", rules.user),
    "cache-order": (WARNING, "copy the list of dependencies, install them, then copy the code", rules.cache_order),
    "changing-early": (WARNING, "move it behind what is installed", rules.changing_early),
    "package-lists": (WARNING, "rm -rf /var/lib/apt/lists/* in the same RUN; apk add --no-cache", rules.package_lists),
    "recommended-packages": (WARNING, "apt-get install --no-install-recommends", rules.recommends),
    "pip-cache": (WARNING, "pip install --no-cache-dir, or RUN --mount=type=cache", rules.pip_cache),
    "layers": (INFO, "join them with && where they belong together", rules.many_runs),
    "removed-later": (WARNING, "do not copy it, or remove it in the step that makes it", rules.removed_later),
    "secret-in-history": (ERROR, "RUN --mount=type=secret, with `secrets` of the build", rules.secrets),
    "secret-in-layers": (ERROR, "leave it out by .dockerignore; RUN --mount=type=secret", rules.secret_files),
    "add": (WARNING, "COPY for files; ADD --checksum=sha256:… for a URL", rules.adds),
    "shell-form": (WARNING, 'write it as a list: CMD ["program", "argument"]', rules.shell_form),
    "dockerignore": (WARNING, "write a .dockerignore beside the context", rules.ignored),
    "run-habits": (INFO, "WORKDIR for a folder; no sudo", rules.changes_folder),
}
"""Rule → its level, its mend, and what finds it."""
