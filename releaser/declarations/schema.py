"""The declarations' JSON Schemas: whether a document keeps to its own, and what is wrong with it, by file and line."""

from typing import NamedTuple

from releaser.model.environment import Origins
from releaser.model.errors import Problem
from releaser.model.tree import Node
from releaser.model.value import JsonMap


class Checked(NamedTuple):
    """What is wrong; `deferred`: only values that still hold a `${…}` did not fit."""

    problems: tuple[Problem, ...]
    deferred: bool = False


def check_document(node: Node, name: str) -> Checked:
    return Checked(())


def check_values(values: JsonMap, name: str, origins: Origins) -> tuple[Problem, ...]:
    return ()
