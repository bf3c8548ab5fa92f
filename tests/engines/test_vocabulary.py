"""The table of words: complete against the schema, and what it says is what a plan refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaser.engines import vocabulary
from releaser.engines.vocabulary import DIRECTORY, DOCKER, ENGINES, SWARM, page
from releaser.engines.vocabulary.cells import SAME
from tests.engines.vocabulary_samples import NETWORK, SAMPLES, VOLUME

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "layer.schema.json").read_text())
TABLES = {"service": vocabulary.SERVICE, "network": vocabulary.NETWORK, "volume": vocabulary.VOLUME}
ROWS = [row for table in TABLES.values() for row in table]


def words(schema: dict, path: str = "") -> Iterator[str]:
    """The paths of everything that may be declared below `path`, with `*` for a name of one's own; else itself."""
    while "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    found = [
        word
        for key, part in schema.get("properties", {}).items()
        if not key.startswith("$")
        for word in words(part, f"{path}.{key}")
    ]
    for part in (schema.get("additionalProperties"), schema.get("items")):
        if isinstance(part, dict):
            below = list(words(part, f"{path}.*"))
            found += below if below != [f"{path}.*"] else []  # texts by name, or a list of texts, are one word
    for form in ("then", "else"):
        found += words(schema[form], path) if form in schema else []
    yield from dict.fromkeys(found or [path])


@pytest.mark.parametrize("section", TABLES)
def test_the_table_has_every_word_of_the_schema_and_no_other(section: str) -> None:
    declared = {word.removeprefix(".") for word in words(SCHEMA["definitions"][section])}

    assert declared == {row.word for row in TABLES[section]}


@pytest.mark.parametrize("section", TABLES)
def test_every_word_has_a_sample(section: str) -> None:
    samples = {"service": SAMPLES, "network": NETWORK, "volume": VOLUME}[section]

    assert samples.keys() == {row.word for row in TABLES[section]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.word)
@pytest.mark.parametrize("kind", ENGINES)
def test_every_cell_says_one_thing(row: vocabulary.Row, kind: str) -> None:
    cell = row.cell(kind)

    if cell.refused:
        assert cell.instead
        assert not cell.idle
        assert not cell.place or cell.taken
    else:
        assert bool(cell.place) != bool(cell.idle)
        assert not cell.instead
        assert not cell.taken
    assert not cell.told or cell.idle
    if cell.needs:
        assert cell.needs in page.RELEASES
        assert cell.place


def test_a_folder_takes_every_word_of_compose() -> None:
    refused_there = [row.word for row in ROWS if row.directory.refused]
    assert all(word.startswith(("ports.*.ingress.", "deploy.autoscale.", "per_replica.")) for word in refused_there)
    assert [row.word for row in ROWS if row.directory.idle] == ["on"]


def refused(kind: str, **declared: object) -> list[str]:
    return [".".join(use.path) for use in vocabulary.refused(vocabulary.SERVICE, kind, declared)]


def test_what_an_engine_refuses_is_found_where_it_stands() -> None:
    declared = {"privileged": True, "ports": {"a": {"host_ip": "127.0.0.1"}, "b": {"target": 1}}, "tty": True}

    assert refused(SWARM, **declared) == ["privileged", "ports.a.host_ip"]
    assert refused(DOCKER, **declared) == []
    assert refused(DIRECTORY, **declared) == []


@pytest.mark.parametrize(
    "harmless",
    [
        {"privileged": False},
        {"devices": []},
        {"annotations": {}},
        {"runtime": ""},
        {"network_mode": "host"},
        {"network_mode": "bridge"},
        {"ports": {"a": {"host_ip": "0.0.0.0"}}},
        {"oom_score_adj": 0},
        {"depends_on": {"db": {"restart": False}}},
        {"volumes": {"a": {"type": "bind", "bind": {"create_host_path": False}}}},
    ],
)
def test_a_value_that_asks_for_nothing_special_is_taken(harmless: dict) -> None:
    assert refused(SWARM, **harmless) == []


@pytest.mark.parametrize("value", ["none", "service:db", "container:x"])
def test_another_value_of_the_same_word_is_not(value: str) -> None:
    assert refused(SWARM, network_mode=value) == ["network_mode"]


def test_zero_is_not_false() -> None:
    cell = vocabulary.cells.no("why", "instead", False)
    table = vocabulary.Table([vocabulary.Row(word="x", directory=SAME, docker=cell, swarm=SAME, kubernetes=SAME)])

    assert [use.value for use in vocabulary.refused(table, DOCKER, {"x": 0})] == [0]
    assert [use.value for use in vocabulary.refused(table, DOCKER, {"x": False})] == []


def test_what_has_no_effect_is_said() -> None:
    declared = {
        "on": ["rollback"],
        "expose": [80],  # a note to readers, so not said
        "deploy": {"update_config": {"delay": "1s", "order": "stop-first"}, "placement": {"constraints": []}},
    }

    def told(kind: str) -> list[str]:
        return [use.word for use in vocabulary.without_effect(vocabulary.SERVICE, kind, declared)]

    assert told(DOCKER) == ["deploy.update_config.delay"]
    assert told(SWARM) == []
    assert told(DIRECTORY) == ["on"]


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("1.41", ["annotations", "healthcheck.start_interval", "volumes.a.volume.subpath"]),
        ("1.43", ["healthcheck.start_interval", "volumes.a.volume.subpath"]),
        ("1.45", []),
        ("1.100", []),
    ],
)
def test_words_that_need_a_newer_engine(api: str, expected: list[str]) -> None:
    declared = {
        "annotations": {"a": "b"},
        "healthcheck": {"start_interval": "1s"},
        "volumes": {"a": {"volume": {"subpath": "x"}}},
        "tty": True,
    }

    found = [".".join(use.path) for use in vocabulary.too_new(vocabulary.SERVICE, DOCKER, declared, api)]
    assert found == expected


def test_the_page_has_a_line_for_every_word() -> None:
    lines = [line for line in page.page().splitlines() if line.startswith("| `")]

    for row in ROWS:
        last = row.word.rsplit(".", 1)[-1].replace("*", "NAME")
        assert any(line.split(" | ")[0].endswith(f"{last}`") for line in lines), row.word
    assert "`private`; else **no**: " in page.page()
    assert "HostConfig.Annotations (API 1.43, Docker 24)" in page.page()
