"""What is shipped is what the code says."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from releaser.cli import reference
from releaser.cli.errors import EXIT_CODES, exit_code
from releaser.model.errors import ReleaseError
from releaser.model.value import Document

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [name for name, _ in reference.files()])
def test_what_is_shipped_is_up_to_date(name):
    made = dict(reference.files())[name]

    assert (REPOSITORY / name).read_text() == made, "make schemas"


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_a_schema_is_one_and_requires_every_property(name):
    schema = reference.schema_of(name)

    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"releaser/{name}/v1" == schema["properties"]["schema"]["const"]
    assert schema["title"]
    assert schema["description"]
    for part in (schema, *schema.get("$defs", {}).values()):
        assert sorted(part["required"]) == sorted(part["properties"])


def test_writing_gives_the_files(tmp_path):
    reference.write(tmp_path)

    for name, text in reference.files():
        assert (tmp_path / name).read_text() == text
    assert json.loads((tmp_path / "schemas/status.schema.json").read_text())["title"] == "Status"


def below(kind):
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def test_every_document_of_the_model_has_a_schema():
    assert set(below(Document)) == set(reference.DOCUMENTS.values())


def test_every_error_has_a_code_of_its_own_an_exit_and_a_line_in_the_table():
    page = reference.errors_page()
    kinds = list(below(ReleaseError))

    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        branch = next(branch for branch in EXIT_CODES if issubclass(kind, branch))
        assert f"| `{kind.code}` | {EXIT_CODES[branch]} | {kind.__doc__.splitlines()[0]} |" in page
        assert exit_code(kind.__new__(kind)) == EXIT_CODES[branch]
