"""Where the configs and secrets of a Compose file come from, in the declarations' words."""

import os
import stat
from pathlib import Path as FilePath

from releaser.imports.forms import text_of
from releaser.imports.project import Project
from releaser.imports.report import Report
from releaser.imports.texts import Piece, Text, Variable
from releaser.imports.tree import Node, at, entries
from releaser.model.value import Path

LARGEST_CONFIG = 1024 * 1024


def configs(project: Project, report: Report) -> dict[str, Node]:
    """Each config with a file below the root, or its text; what is neither is left out."""
    found: dict[str, Node] = {}
    for name, node in project.section("configs").items():
        path = ("configs", name)
        file, content, variable = at(node, "file"), at(node, "content"), at(node, "environment")
        if file is not None:
            why = _unfit(project, text_of(file).plain)
            if why is None:
                found[name] = node.with_value({"file": file.with_value(text_of(file), {})})
            else:
                report.leave((*path, "file"), file, why)
        elif content is not None:
            found[name] = node.with_value({"content": content.with_value(text_of(content), {})})
        elif variable is not None:
            found[name] = node.with_value({"content": variable.with_value(_variable(project, variable), {})})
        else:
            report.leave(path, node, "it is made outside of Compose: name a file, or write its `content`")
        _more(node, path, report)
    return found


def secrets(project: Project, report: Report) -> dict[str, Node]:
    """Each secret with its source; what Compose takes from outside is taken from a variable."""
    found: dict[str, Node] = {}
    for name, node in project.section("secrets").items():
        path = ("secrets", name)
        file, variable = at(node, "file"), at(node, "environment")
        if file is not None:
            words = {"from": Text.of("file"), "path": _within(project, text_of(file))}
        elif variable is not None:
            words = {"from": Text.of("env"), "name": text_of(variable)}
        else:
            stands_in = "".join(c if c.isalnum() else "_" for c in name.upper())
            words = {"from": Text.of("env"), "name": Text.of(stands_in)}
            report.leave(path, node, f"it is made outside of Compose: its value is now read from {stands_in}")
        found[name] = node.with_value({word: node.with_value(value, {}) for word, value in words.items()}, {})
        _more(node, path, report)
    return found


def _more(node: Node, path: Path, report: Report) -> None:
    for word, child in entries(node):
        known = word in {"file", "content", "environment", "external", "name"} or word.startswith("x-")
        if not known and child.value is not None:
            report.leave((*path, word), node.key_place(word), "the declarations have no word for it")


def _variable(project: Project, named: Node) -> Text:
    name = text_of(named).plain
    setting = project.scope.get(name)
    if setting is None:
        return Text((Piece(text="", variable=Variable(name=name, value="", missing="a config is made of it")),))
    return Text((Piece(text=setting.value, variable=Variable(name=name, value=setting.value, origin=setting.origin)),))


def _unfit(project: Project, path: str) -> str | None:
    """Why a file cannot be a config."""
    root = FilePath(os.path.realpath(project.files.root))
    try:
        real = FilePath(os.path.realpath(project.files.absolute(path)))
        known = real.stat()
    except (OSError, ValueError):
        return f"the file {path} is not there, or cannot be read"
    if root not in real.parents:
        return f"the file {path} is outside of the project: move it below {project.files.root.name}/"
    if not stat.S_ISREG(known.st_mode):
        return f"{path} is no regular file"
    return "the file is larger than 1 MiB; put it into the image" if known.st_size > LARGEST_CONFIG else None


def _within(project: Project, text: Text) -> Text:
    """A secret's file: from the root where it is below it, else by its absolute path."""
    absolute = project.files.absolute(text.plain)
    if project.files.root in absolute.parents:
        return text if not text.plain.startswith(("/", "~")) else Text.of(project.files.named(absolute))
    return Text.of(str(absolute))
