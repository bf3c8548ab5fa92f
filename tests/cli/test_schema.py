"""schema: the JSON Schema of a declaration or a document."""

import json

import pytest

from releaser.cli import reference, schema


def test_every_schema_is_printed_as_it_is_shipped(cli):
    names = cli.ok("schema").out.split()

    assert names[:2] == ["pipeline", "layer"]
    assert sorted(names[2:]) == sorted(reference.DOCUMENTS)
    for name in names:
        assert json.loads(cli.ok("schema", name).out) == json.loads((schema.FOLDER / f"{name}.schema.json").read_text())


def test_no_project_is_needed(bare):
    assert json.loads(bare.ok("schema", "layer", "--json").out)["title"]


@pytest.mark.parametrize(
    ("name", "said"), [("lair", "did you mean layer?"), ("../pyproject", "there are pipeline, layer")]
)
def test_an_unknown_name(bare, name, said):
    ran = bare("schema", name)

    assert ran.code == 64
    assert said in ran.err
