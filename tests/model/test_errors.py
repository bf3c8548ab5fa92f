"""The error tree: what its docstring draws is what there is, and every code says one thing."""

import re

import pytest

from releaser.model import errors
from releaser.model.errors import InvalidDeclarations, Problem, ReleaseError
from releaser.model.value import Location


def _below(kind):
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _below(child)


ALL = tuple(_below(ReleaseError))


def test_the_drawing_shows_every_error_under_its_parent():
    drawn = {}
    parent = None
    for line in errors.__doc__.splitlines():
        names = re.findall(r"\b[A-Z][a-z]+[A-Za-z]*\b", re.split(r"\s{4,}[a-z]", line.lstrip())[0])
        known = [name for name in names if isinstance(getattr(errors, name, None), type)]
        if re.match(r"    [├└]── ", line):
            parent = known[0]
            drawn[parent] = "ReleaseError"
        elif re.match(r"    [│ ]   [├└]── ", line):
            drawn.update(dict.fromkeys(known, parent))
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in ALL}


def test_codes_are_told_apart():
    assert len({kind.code for kind in ALL}) == len(ALL)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code) for kind in ALL)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not InvalidDeclarations])
def test_every_error_is_one_problem(kind):
    place = Location(file="envs/a.yaml", line=1, column=2)
    (problem,) = kind("what", hint="do this", locations=[place]).problems
    assert problem == Problem(code=kind.code, message="what", hint="do this", locations=(place,))


def test_declarations_have_all_their_problems():
    problems = [Problem(code="a", message="one"), Problem(code="b", message="two", hint="do")]
    error = InvalidDeclarations(problems)
    assert error.problems == tuple(problems)
    assert (error.message, error.hint) == ("one", None)
