"""Running one verb: words → options → the verb → an exit code, whatever it raises."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import get_args

from releaser.cli import errors, output, signals
from releaser.cli.invocation import Hidden, Invocation
from releaser.cli.options import FORMATS, ColorWord, Options
from releaser.cli.output import Output
from releaser.cli.parsing import parse
from releaser.cli.table import VERBS
from releaser.model.documents import Setting
from releaser.model.errors import BadArgument, InternalError, Interrupted, ReleaseError
from releaser.planning.redact import printable
from releaser.planning.wording import listed, nearest
from releaser.settings import Settings, folder, read

UNSETTLED = " at once: the next command that delivers there finds out what was done"


def run(before: Sequence[str], words: Sequence[str]) -> int:
    """Run the verb that `words` begin with; `before` are shared options that stood before it."""
    out = _provisional([*before, *words])
    signals.install()
    debug = "--debug" in (*before, *words)
    root: Path | None = None
    received, hidden = signals.Signals(), Hidden()
    try:
        before, words = _decoded(before), _decoded(words)
        verb, rest = _verb(words)
        module = importlib.import_module(VERBS[verb].module(verb))
        options = parse(verb, module.Options, [*before, *rest])
        if isinstance(options, str):
            out.text(options)
            return _ended(out, errors.DONE)
        settings = read()
        out = _output(options, settings)
        invocation = Invocation(
            verb=verb,
            words=(*before, *rest),
            shared=options,
            settings=settings,
            out=out,
            signals=received,
            hidden=hidden,
        )
        root = invocation.root
        return _ended(out, _run(module, invocation, options))
    except ReleaseError as error:
        if debug:
            sys.stderr.write(hidden.mask(traceback.format_exc()))
        errors.report(out, error, root)
        return errors.exit_code(error)
    except KeyboardInterrupt:
        return _stopped(out, "interrupted", received, errors.INTERRUPTED)
    except signals.Terminated:
        return _stopped(out, "terminated", received, errors.TERMINATED)
    except Exception as error:  # noqa: BLE001 - a defect of ours ends in one line, and a file for those who mend it
        return _defect(out, error, hidden, debug=debug)


def _run(module: ModuleType, invocation: Invocation, options: Options) -> int:
    code: int = module.run(invocation, options)
    return code


def _decoded(words: Sequence[str]) -> list[str]:
    """The words as UTF-8, whatever the language is. Raises BadArgument for what no document or history can hold."""
    try:
        return [os.fsencode(word).decode() for word in words]
    except UnicodeError as error:
        raise BadArgument("an argument is not UTF-8 text", hint="give names and paths in UTF-8") from error


def _verb(words: Sequence[str]) -> tuple[str, list[str]]:
    """The verb, of one word or two, and what follows. Raises BadArgument with the nearest one."""
    two = " ".join(words[:2])
    if two in VERBS:
        return two, list(words[2:])
    if words[0] in VERBS:
        return words[0], list(words[1:])
    first = words[0]
    if first.startswith("-"):
        raise BadArgument(f"release has no option {first} before the verb", hint="release --help")
    parts = [name.split()[1] for name in VERBS if name.startswith(f"{first} ")]
    if parts:
        raise BadArgument(f"release {first} needs one more word", hint=f"{listed(parts)}: release {first} {parts[0]}")
    near = nearest(first, [*VERBS, "help"])
    raise BadArgument(f"there is no verb {first}", hint=f"did you mean release {near}?" if near else "release --help")


def _provisional(words: Sequence[str]) -> Output:
    """The output for errors before the options are read: in JSON where it is asked for."""
    stated = _stated(words, "-o", "--output") or ("json" if "--json" in words else None)
    form = stated or os.environ.get("RELEASE_OUTPUT", "table")
    color = _stated(words, None, "--color") or os.environ.get("RELEASE_COLOR")
    return Output(
        form=form if form in output.MACHINE else "table", color=color if color in {"always", "never"} else "auto"
    )


def _stated(words: Sequence[str], short: str | None, long: str) -> str | None:
    """The value of an option, as far as it can be told before parsing."""
    found = None
    for index, word in enumerate(words):
        if word == "--":
            break
        if word in {short, long}:
            found = words[index + 1].removeprefix("=") if index + 1 < len(words) else None
        elif word.startswith(f"{long}="):
            found = word.partition("=")[2]
        elif short and word.startswith(short) and not word.startswith("--"):
            found = word[2:].removeprefix("=")
    return found


def _output(options: Options, settings: Settings) -> Output:
    """The output that the options ask for. Raises BadArgument for a form that the verb does not have."""
    stated = "json" if options.json else options.output and options.output.removeprefix("=")
    if stated is not None and stated not in options.FORMATS:
        raise BadArgument(f"this verb does not print {stated}", hint=f"-o {'|'.join(options.FORMATS)}")
    form = _one_of(settings.get("output", flag=stated, default="table"), FORMATS)
    return Output(
        form=form if form in options.FORMATS else "table",  # a setting is for the verbs that have it
        quiet=options.quiet,
        verbose=options.verbose,
        color=_one_of(settings.get("color", flag=options.color, default="auto"), get_args(ColorWord)),
    )


def _one_of(setting: Setting, known: Sequence[str]) -> str:
    """The setting's value. Raises BadArgument, naming its origin, where it is none of these."""
    if setting.value not in known:
        raise BadArgument(
            f"{setting.origin} is {setting.value}, which is no {setting.name}", hint=f"{listed(known)} are known"
        )
    return setting.value


def _ended(out: Output, code: int) -> int:
    if not output.LOST:
        return code
    out.tell(f"error: the answer could not be written: {output.LOST.pop().strerror}")
    return code or 5


def _stopped(out: Output, word: str, received: signals.Signals, code: int) -> int:
    text = word + (UNSETTLED if received.requested() else "")
    if out.form in output.MACHINE:
        errors.report(out, Interrupted(text))
    else:
        out.tell(text)
    return code


def _defect(out: Output, error: Exception, hidden: Hidden, *, debug: bool) -> int:
    if isinstance(error, UnicodeEncodeError) and error.encoding != "utf-8":
        message = f"{printable(error.object)} cannot be a file's name in this language ({error.encoding})"
        errors.report(out, BadArgument(message, hint="set LC_ALL=C.UTF-8"))
        return errors.WRONG_USAGE
    told = hidden.mask("".join(traceback.format_exception(error)))
    message = hidden.mask(f"a defect in release: {type(error).__name__}: {error}")
    if debug:
        sys.stderr.write(told)
        errors.report(out, InternalError(message))
    else:
        errors.report(out, InternalError(message, hint=_kept(told)))
    return errors.DEFECT


def _kept(told: str) -> str:
    """Put a traceback where its user finds it."""
    place = folder(os.environ, "XDG_STATE_HOME", ".local/state")
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = place / f"crash-{os.getpid()}.txt"
        file.touch(mode=0o600)
        file.write_text(told)
    except OSError:
        return "again with --debug, to see where"
    return f"please report it, with {file}"
