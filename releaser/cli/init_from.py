"""init --from: begin with the Compose files that a team has."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from releaser.cli import errors
from releaser.cli.init import Options, show
from releaser.cli.invocation import Invocation
from releaser.cli.output import Output
from releaser.cli.prompts import asked, may_ask
from releaser.imports.declaring import Imported, Wishes, declare
from releaser.imports.project import Project, Request, read
from releaser.imports.settling import Decisions
from releaser.model.documents import ImportedSecret, LeftOut, Started
from releaser.model.errors import BadArgument, InvalidDeclarations, Problem
from releaser.operations import init
from releaser.planning.redact import printable
from releaser.planning.wording import count, listed
from releaser.settings import absolute

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ENVIRONMENT = re.compile(r"(?!pipeline\Z|base\Z)[a-z0-9][a-z0-9-]{0,62}\Z")
_TOLD = 3
_FIRST = "test1"


def begin_from(invocation: Invocation, options: Options, images: Mapping[str, str], schemas: Mapping[str, str]) -> int:
    """Write the declarations of a Compose project; gives the exit code."""
    root = absolute(options.directory)
    environments = _environments(options)
    for repository in images.values():
        init.check_repository(repository)
    project, imported = _imported(invocation, options, root, environments, images)
    texts = {f"envs/schemas/{name}.schema.json": text for name, text in schemas.items()}
    written = init.write(root, {**imported.files, **texts})
    document = msgspec.structs.replace(
        written,
        left_out=imported.left_out,
        refused=imported.refused,
        secrets=imported.secrets,
        placeholders=imported.placeholders,
        create=imported.create,
    )
    out = invocation.out
    out.document(document, lambda out: show(out, document))
    _tell(out, project, document)
    adopt = "" if options.fresh else " --adopt"
    promote = f"release promote {shlex.quote(imported.version)} --to {environments[0]}{adopt}"
    out.next("release validate", imported.create, promote)
    return errors.DONE


def _environments(options: Options) -> tuple[str, ...]:
    names = tuple(name for text in options.env or [_FIRST] for name in text.split(","))
    for index, name in enumerate(names):
        if not _ENVIRONMENT.match(name) or name in names[:index]:
            raise BadArgument(
                f"{name!r} is no name for an environment here",
                hint="lower case letters, digits and -; another one for each; not `pipeline` and not `base`",
            )
    return names


# --- asking ---


def _imported(
    invocation: Invocation, options: Options, root: Path, environments: tuple[str, ...], images: Mapping[str, str]
) -> tuple[Project, Imported]:
    """The import, with everything decided. Raises InvalidDeclarations where nobody can be asked."""
    values, plain = _told(options.var or ())
    secret = set(options.secret or ())
    while True:
        project = read(_request(invocation, options, root, values))
        name = options.project or project.name
        init.check_project(name)
        decisions = Decisions(secret=frozenset(secret), plain=frozenset(plain))
        wishes = Wishes(
            project=name, environments=environments, fresh=options.fresh, decisions=decisions, repositories=images
        )
        imported = declare(project, wishes)
        if not may_ask(invocation):
            _refuse_undecided(invocation, imported)
            return project, imported
        if not _ask(invocation.out, imported, values, secret, plain):
            return project, imported


def _told(texts: "list[str] | tuple[str, ...]") -> tuple[dict[str, str], set[str]]:
    values: dict[str, str] = {}
    plain: set[str] = set()
    for text in texts:
        name, equals, value = text.partition("=")
        if not _VARIABLE.match(name):
            raise BadArgument(f"{name!r} is no variable", hint="--var NAME, or --var NAME=VALUE")
        plain.add(name)
        if equals:
            values[name] = value
    return values, plain


def _request(invocation: Invocation, options: Options, root: Path, values: Mapping[str, str]) -> Request:
    if options.source is None:
        raise BadArgument("no Compose file is named", hint="--from compose.yaml")
    return Request(
        root=root,
        source=absolute(options.source),
        overrides=tuple(absolute(path) for path in options.file or ()),
        env_files=tuple(absolute(path) for path in options.env_file or ()),
        profiles=tuple(name for text in options.profile or () for name in text.split(",")),
        name=options.compose_project,
        values=values,
        environ=invocation.settings.environ,
    )


def _ask(out: Output, imported: Imported, values: dict[str, str], secret: set[str], plain: set[str]) -> bool:
    """Ask what nobody decided; whether something was."""
    names = imported.by_looks
    if names:
        told = ", ".join(f"{name} ({place.file}:{place.line})" for name, place in names.items())
        out.tell(printable(f"these look like secrets, and their values will not be written: {told}"))
        answer = asked("Which of them are none? (names, or nothing) ")
        none = {name for name in re.split(r"[\s,]+", answer.strip()) if name}
        unknown = none - set(names)
        if unknown:
            raise BadArgument(f"{listed(sorted(unknown))} was not among them", hint="nothing was written")
        plain |= none
        secret |= set(names) - none
        return True
    for exposed in imported.exposed:
        where = f"{exposed.place.file}:{exposed.place.line}"
        question = (
            f"{exposed.variable} stands in {exposed.path} ({where}), where no secret can. Write its value? [y/N] "
        )
        if asked(question).strip().lower() not in {"y", "yes"}:
            raise BadArgument(_EXPOSED.format(exposed.path, exposed.variable), hint=_INSTEAD)
        plain.add(exposed.variable)
        secret.discard(exposed.variable)
        return True
    for missing in imported.missing:
        value = asked(f"{missing.variable} ({missing.said}): ").rstrip("\n")
        if not value:
            raise BadArgument(f"{missing.variable} has no value: {missing.said}", hint="nothing was written")
        values[missing.variable] = value
        return True
    return False


_EXPOSED = "`{}` holds {}, which looks like a secret; only environment variables and files can refer to one"
_INSTEAD = "let the container take it from a variable or a file, or write its value: --var NAME"


def _refuse_undecided(invocation: Invocation, imported: Imported) -> None:
    """Raises InvalidDeclarations with what has to be decided, and the command that does."""
    if not imported.undecided:
        return
    values = list(dict.fromkeys(f"{missing.variable}=VALUE" for missing in imported.missing))
    plain = list(dict.fromkeys(exposed.variable for exposed in imported.exposed))
    words = [*invocation.words, *(word for name in (*plain, *values) for word in ("--var", name))]
    command = shlex.join(["release", "init", *words])
    found = [
        _problem(
            _EXPOSED.format(exposed.path, exposed.variable), f"to write its value all the same: {command}", exposed
        )
        for exposed in imported.exposed
    ]
    found += [
        _problem(f"{missing.variable} has no value: {missing.said}", f"say what it is: {command}", missing)
        for missing in imported.missing
    ]
    raise InvalidDeclarations(found)


def _problem(message: str, hint: str, about: object) -> Problem:
    place = getattr(about, "place", None)
    return Problem(
        code=InvalidDeclarations.code, message=message, hint=hint, locations=() if place is None else (place,)
    )


# --- telling ---


def _tell(out: Output, project: Project, started: Started) -> None:
    for left in started.left_out:
        if not left.harmless:
            out.warn(_line(left))
    for line in _not_needed(started.left_out, every=out.verbose):
        out.say(f"not needed: {line}")
    for problem in started.refused:
        place = "".join(f"{location.file}:{location.line} " for location in problem.locations[:1])
        out.warn(printable(f"{place}is refused by Docker when it is planned: {problem.message}: {problem.hint}"))
    for file in project.unread:
        out.warn(
            f"{printable(file)} is there, and was not read: Compose reads it where no file is named; add -f {file}"
        )
    if started.secrets:
        out.say(
            "secrets are read from the variables of whoever runs `release`; set these, their values are not written:"
        )
        for secret in started.secrets:
            out.say(printable(f"  {secret.variable}: {_value_of(secret)}"))
    if started.placeholders:
        names = listed(started.placeholders)
        out.say(f"write the repository of {names} into envs/pipeline.yaml, in place of registry.example.com")
    out.say("keep .release/, where the history is, out of version control")


def _not_needed(left_out: Iterable[LeftOut], *, every: bool) -> Iterator[str]:
    """What makes no difference; a file often says the same of many variables."""
    alike: dict[str, list[LeftOut]] = {}
    for left in left_out:
        if left.harmless:
            alike.setdefault(left.why, []).append(left)
    for several in alike.values():
        told = several if every else several[:_TOLD]
        yield from (_line(left) for left in told)
        if len(several) > len(told):
            yield f"… and so on in {count(len(several) - len(told), 'line')}; -v shows all"


def _value_of(secret: ImportedSecret) -> str:
    if secret.template is not None:
        return f"made of {secret.template}"
    return f"now in {secret.value_at}" if secret.value_at else "has no value yet"


def _line(left: LeftOut) -> str:
    first, *more = left.paths
    services = f" (and {len(more)} more)" if more else ""
    return printable(f"{left.location.file}:{left.location.line} {first}{services}: {left.why}")
