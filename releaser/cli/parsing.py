"""Parsing: a verb's options as a value become a typer command, and its words become that value."""

import dataclasses
import inspect
import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from releaser.cli.options import Options
from releaser.model.errors import BadArgument
from releaser.planning.wording import nearest


def parse(verb: str, options: type[Options], words: Sequence[str]) -> Options | str:
    """The options that the words say, or the help that they ask for. Raises BadArgument."""
    command = command_of(verb, options)
    told = io.StringIO()
    try:
        with redirect_stdout(told):
            found = command.main(list(words), prog_name=f"release {verb}", standalone_mode=False)
    except typer.TyperException as error:
        raise _wrong_usage(verb, command, error) from error
    except typer.Abort as error:
        raise BadArgument("stopped while reading the arguments") from error
    if not isinstance(found, Options):
        return told.getvalue()
    _refuse_two(command, words)
    return found


OVERRIDABLE = ("output", "color")
"""Options of which the last counts: what an alias says, the command line may say otherwise."""


def _refuse_two(command: Any, words: Sequence[str]) -> None:
    """Raises BadArgument where an option that has one value is given two: which one counts is a guess."""
    given: dict[str, tuple[str, str]] = {}
    for parameter, option, value in _values(command, words):
        known, before = given.setdefault(parameter.name, (option, value))
        if before != value and not parameter.multiple and parameter.name not in OVERRIDABLE:
            raise BadArgument(f"{known} {before} and {option} {value} exclude each other", hint="leave one of them out")


def _values(command: Any, words: Sequence[str]) -> Iterator[tuple[Any, str, str]]:
    """(parameter, option as typed, value) of the options that take a value; the words were parsed without an error."""
    known = {option: parameter for parameter in command.params for option in parameter.opts}
    left = iter(words)
    for word in left:
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if not word.startswith("--") and word[:2] in known:
            name, equals, value = word[:2], word[2:], word[2:].removeprefix("=")
        parameter = known.get(name)
        if parameter is not None and parameter.param_type_name == "option" and not parameter.is_flag:
            yield parameter, name, value if equals else next(left, "")


def command_of(verb: str, options: type[Options]) -> Any:
    """The typer command of a verb; its class is typer's own, which has no public name."""

    def made(**words: Any) -> Options:
        return options(**words)

    fields = list(_fields(options))
    hints = get_type_hints(options, include_extras=True)
    forms = typer.Option("-o", "--output", metavar="|".join(options.FORMATS), help="How to print the answer.")
    hints["output"] = Annotated[str | None, forms]
    made.__doc__ = inspect.getdoc(options)
    made.__annotations__ = {field.name: hints[field.name] for field in fields}
    made.__signature__ = inspect.Signature([_parameter(field, hints[field.name]) for field in fields])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.command(verb, cls=_Command, context_settings=settings)(made)
    return typer.main.get_command(app)


class _Command(TyperCommand):
    """A command whose help has what all verbs share at its end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options, and the options of every verb."""
        shared = {field.name for field in dataclasses.fields(Options)}
        parts: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Everywhere": []}
        for parameter in self.get_params(ctx):
            told = parameter.get_help_record(ctx)
            if told is not None:
                kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
                parts["Everywhere" if parameter.name in shared else kind].append(told)
        for title, told_all in parts.items():
            if told_all:
                with formatter.section(title):
                    formatter.write_dl(told_all)


def _fields(options: type[Options]) -> Iterator[dataclasses.Field[Any]]:
    """A verb's own fields first, those that all verbs share last."""
    fields = {field.name: field for field in dataclasses.fields(options)}
    for base in options.__mro__:
        for name in vars(base).get("__annotations__", {}):
            if name in fields:
                yield fields.pop(name)


def _parameter(field: dataclasses.Field[Any], hint: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _nearest_option(meant: str, known: Sequence[str]) -> str | None:
    """The option that was most likely meant; the dashes that all have make none of them nearer."""
    by_word = {option.lstrip("-"): option for option in known if option.startswith("--")}
    near = nearest(meant.lstrip("-"), by_word)
    return by_word[near] if near else None


def _wrong_usage(verb: str, command: Any, error: typer.TyperException) -> BadArgument:
    message = error.format_message().rstrip(".")
    meant = getattr(error, "option_name", None)
    if isinstance(meant, str):
        near = _nearest_option(meant, [word for parameter in command.params for word in parameter.opts])
        if near and near != meant:
            return BadArgument(f"release {verb} has no option {meant}", hint=f"did you mean {near}?")
    return BadArgument(message[:1].lower() + message[1:], hint=f"release {verb} --help")
