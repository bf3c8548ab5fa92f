"""A service's environment variables and labels: from its files, then its own."""

from collections.abc import Iterator

from releaser.imports import dotenv
from releaser.imports.forms import text_of
from releaser.imports.project import Project
from releaser.imports.report import Report
from releaser.imports.templates import Setting
from releaser.imports.texts import Piece, Text, Variable
from releaser.imports.tree import Node, at, entries, is_map, items
from releaser.model.value import Location


def environment(name: str, project: Project, report: Report) -> Node | None:
    """Every variable of a service; what its own `environment` says goes before its files."""
    service = project.services[name]
    own = at(service, "environment")
    found: dict[str, Node] = {}
    keys: dict[str, Location] = {}
    passed = dict(_own(name, own, project, report))
    for entry in _of_files(service, passed, project):
        if entry.key in passed:
            continue
        text = entry.text if entry.text is not None else _passed(entry.key, project)
        if text is not None:
            found[entry.key] = Node(_shared(entry.key, text, project), entry.place)
            keys[entry.key] = entry.place
    for key, value in passed.items():
        found[key] = value
        keys[key] = own.key_place(key) if own is not None else value.place
    return Node(found, (own or service).place, keys) if found else None


def _own(name: str, own: Node | None, project: Project, report: Report) -> Iterator[tuple[str, Node]]:
    for key, value in entries(own):
        if value.value is not None:
            yield key, value.with_value(text_of(value), {})
            continue
        text = _passed(key, project)
        if text is not None:
            yield key, value.with_value(text, {})
        elif own is not None:
            why = "it takes its value from outside, where it is not set: Compose leaves it out too"
            report.leave(("services", name, "environment", key), own.key_place(key), why, harmless=True)


def _passed(key: str, project: Project) -> Text | None:
    """A variable that is passed on from outside."""
    setting = project.scope.get(key)
    if setting is None:
        return None
    return Text((Piece(text=setting.value, variable=Variable(name=key, value=setting.value, origin=setting.origin)),))


def _shared(key: str, text: Text, project: Project) -> Text:
    """The value of a file's line; where `.env` says the same of that name, it is one variable."""
    setting = project.scope.get(key)
    if setting is None or setting.value != text.plain or any(text.variables):
        return text
    return _passed(key, project) or text


def _of_files(service: Node, own: dict[str, Node], project: Project) -> Iterator[dotenv.Entry]:
    """The lines of `env_file`, the last of each name."""
    known = {key: Setting(value=text_of(value).plain, origin="environment") for key, value in own.items()}
    lines: dict[str, dotenv.Entry] = {}
    for item in items(at(service, "env_file")):
        path = at(item, "path")
        if not is_map(item) or path is None:
            continue
        file = project.files.absolute(text_of(path).plain)
        if _optional(item) and not project.files.there(file):
            continue
        stated = at(item, "format")
        raw = stated is not None and text_of(stated).plain == "raw"
        data = project.files.read(file, path.place)
        for line in dotenv.read(data, project.files.named(file), {**known, **project.scope}, raw=raw):
            lines[line.key] = line
    yield from lines.values()


def _optional(item: Node) -> bool:
    required = at(item, "required")
    return required is not None and text_of(required).plain.lower() == "false"


def labels(name: str, project: Project) -> Node | None:
    """The labels of a service's containers: from `label_file`, then its own."""
    service = project.services[name]
    own = at(service, "labels")
    found: dict[str, Node] = {}
    for item in items(at(service, "label_file")):
        file = project.files.absolute(text_of(item).plain)
        for line in dotenv.read(project.files.read(file, item.place), project.files.named(file), {}):
            found[line.key] = Node(line.text or Text.of(""), line.place)
    for key, value in entries(own):
        found[key] = value.with_value(Text.of("") if value.value is None else text_of(value), {})
    return Node(found, (own or service).place, own.keys if own is not None else {}) if found else None
