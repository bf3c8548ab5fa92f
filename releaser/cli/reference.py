"""The reference that is made from the code: the documents' JSON Schemas, the table of errors, and that of words.

    python -m releaser.cli.reference [FOLDER]

writes `schemas/NAME.schema.json`, `docs/errors.md` and `docs/compose.md` below the folder; a test says when they are
not up to date.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from releaser.cli.errors import EXIT_CODES
from releaser.engines.vocabulary import page as compose
from releaser.model import documents
from releaser.model.build import BuildLog, BuildReport, ReproducibilityReport
from releaser.model.delivery import Details, History, Result
from releaser.model.drift import DriftReport
from releaser.model.errors import ReleaseError
from releaser.model.event import Event
from releaser.model.image_content import ImageDifference, ImageReport
from releaser.model.lint import LintReport
from releaser.model.plan import Plan
from releaser.model.release import Release
from releaser.model.value import Document

DOCUMENTS: Mapping[str, type[Document]] = {
    "build": BuildReport,
    "image": ImageReport,
    "imagediff": ImageDifference,
    "details": Details,
    "diff": documents.Difference,
    "doctor": documents.Examination,
    "drift": DriftReport,
    "error": documents.ErrorReport,
    "event": Event,
    "explanation": documents.Explanation,
    "history": History,
    "init": documents.Started,
    "lint": LintReport,
    "locks": documents.Locks,
    "plan": Plan,
    "release": Release,
    "releases": documents.Releases,
    "render": documents.RenderedResources,
    "reproducibility": ReproducibilityReport,
    "log": BuildLog,
    "result": Result,
    "status": documents.Status,
    "validation": documents.Validation,
    "version": documents.Version,
}
"""The name in `schema: releaser/<name>/v1` → the value that is printed."""


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of a document: every property is there, and null where there is nothing to say."""
    document = DOCUMENTS[name]
    (_,), components = msgspec.json.schema_components([document], ref_template="#/$defs/{name}")
    parts = {title: _always_whole(part) for title, part in components.items()}
    root = parts.pop(document.__name__)
    identity = root["properties"]["schema"]["const"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identity,
        **root,
        **({"$defs": parts} if parts else {}),
    }


def _always_whole(part: Mapping[str, Any]) -> dict[str, Any]:
    """A component whose properties are all required, as every value is printed with all its fields."""
    properties = {name: _plain(schema) for name, schema in part.get("properties", {}).items()}
    return {**part, "properties": properties, "required": list(properties)}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property in fewer words: a single allowed text is a constant, and what may be null says so in its type."""
    found = {word: value for word, value in schema.items() if word != "default"}
    if "anyOf" in found:
        one, *others = found["anyOf"]
        if others == [{"type": "null"}] and "type" in one and "enum" not in one:
            return {**one, "type": [one["type"], "null"]}
    words = found.get("enum", ())
    return {"const": words[0]} if len(words) == 1 else found


_ERRORS_HEAD = """\
# Errors

Made from the code by `make schemas`. A command that cannot give its answer prints a document `releaser/error/v1` (with
`-o json`), or the same in words on stderr: what is wrong, where, and what to do next. `code` is one of these, and the
process ends with its exit code. Codes do not change their meaning; new ones may be added.

| code | exit | when |
|---|---|---|
"""

_EXITS = """
Exit 0 is done, or nothing to do. Exit 1 with a document `releaser/result/v1`: the delivery failed, also when what ran
before was restored. Exit 2 comes only with `--exit-code`: there are differences. Exit 3 with a plan: one of its gates
refuses. 130 and 143: stopped by Ctrl-C or SIGTERM after the running step, and recorded as interrupted.
"""


def errors_page() -> str:
    """The table of error codes with their exits, from the error tree."""
    rows = [
        f"| `{kind.code}` | {code} | {(kind.__doc__ or '').splitlines()[0]} |"
        for branch, code in sorted(EXIT_CODES.items(), key=lambda pair: pair[1])
        for kind in _below(branch)
    ]
    return _ERRORS_HEAD + "\n".join(rows) + "\n" + _EXITS


def _below(kind: type[ReleaseError]) -> Iterator[type[ReleaseError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def files() -> Iterator[tuple[str, str]]:
    """Every file of the reference, relative to the repository, with its text."""
    for name in DOCUMENTS:
        yield f"schemas/{name}.schema.json", json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
    yield "docs/errors.md", errors_page()
    yield "docs/compose.md", compose.page()


def write(folder: Path) -> None:
    """Write them below a folder."""
    for name, text in files():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
