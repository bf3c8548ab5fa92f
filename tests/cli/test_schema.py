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


@pytest.mark.parametrize("words", [["schema", "--json"], ["schema", "-o=json"], ["completion", "bash", "--json"]])
def test_what_has_no_document_is_refused_as_json(bare, words):
    ran = bare(*words)

    assert ran.code == 64
    assert ran.document["errors"][0]["code"] == "bad-argument"
    assert bare.ok("schema", "-o", "name").out == bare.ok("schema", environ={"RELEASE_OUTPUT": "json"}).out


def test_an_unknown_shell_is_refused_with_those_that_are_known(bare):
    ran = bare("completion", "tcsh")

    assert (ran.code, ran.err) == (64, "error: there is no completion for tcsh\nhint: bash, zsh or fish\n")
