"""The table is honest about Swarm: where it says that a word goes in the API, that place changes with the word."""

import base64
from pathlib import Path
from typing import Any

import pytest

from releaser.engines import vocabulary
from releaser.engines.moby.client import Client
from releaser.engines.moby.networks import network_spec
from releaser.engines.rendering import resource
from releaser.engines.swarm.building import Builder
from releaser.engines.swarm.observing import OVERLAY
from releaser.engines.swarm.references import Object, References
from releaser.engines.swarm.spec import Named, refused, service_spec
from releaser.engines.vocabulary import SWARM, Row
from releaser.model.resource import EMPTY
from releaser.ports import Desired, Work
from tests.contracts.engine_contract import mark
from tests.engines.images import Images
from tests.engines.vocabulary_places import accepted, at, holds, mapped, newer, place_of
from tests.engines.vocabulary_samples import NETWORK, SAMPLES, VOLUME

SERVICE_WIDE = {"Labels", "Mode", "EndpointSpec", "UpdateConfig", "RollbackConfig"}
"""What stands beside a service's TaskTemplate."""


def spec(words: dict[str, Any]) -> dict[str, Any]:
    known = References(
        configs={"x.0123": Object(id="c", name="c")},
        secrets={"x": Object(id="s", name="s")},
        values={"x": "value", "other": "another"},
    )
    return service_spec(Named(name="api", real="shop-test1_api"), {"image": "api", **words}, known, Path("/project"))


def in_spec(row: Row) -> tuple[str, ...]:
    """The place that the table names, in a whole specification."""
    place = place_of(row.swarm.place)
    return place if place[0] in SERVICE_WIDE else ("TaskTemplate", *place)


@pytest.mark.parametrize("row", mapped(vocabulary.SERVICE, SWARM))
def test_a_word_changes_the_place_in_a_swarm_that_the_table_names(row: Row) -> None:
    sample, place = SAMPLES[row.word], in_spec(row)
    words = sample.words(row.word, accepted(SAMPLES[row.word], row.swarm))
    before, after = spec(sample.words(row.word, sample.before)), spec(words)

    assert at(before, place) != at(after, place)
    assert list(refused("api", words)) == []
    assert list(vocabulary.refused(vocabulary.SERVICE, SWARM, words)) == []


@pytest.mark.parametrize("row", [pytest.param(row, id=row.word) for row in vocabulary.SERVICE if row.swarm.idle])
def test_a_word_without_effect_changes_nothing_in_a_swarm(row: Row) -> None:
    sample = SAMPLES[row.word]

    assert spec(sample.words(row.word, sample.before)) == spec(sample.words(row.word, sample.value))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.word) for row in vocabulary.SERVICE if row.swarm.refused])
def test_a_word_that_a_swarm_cannot_do_is_refused(row: Row) -> None:
    sample = SAMPLES[row.word]
    value = sample.value if sample.value not in row.swarm.taken else "service:db"

    found = [use.word for use in vocabulary.refused(vocabulary.SERVICE, SWARM, sample.words(row.word, value))]
    assert found == [row.word]


@pytest.mark.parametrize("row", mapped(vocabulary.NETWORK, SWARM))
def test_a_word_of_a_network(row: Row) -> None:
    sample, place = NETWORK[row.word], place_of(row.swarm.place)
    before, after = (
        network_spec({"name": "shop-test1_x", **sample.words(row.word, value)}, {}, OVERLAY)
        for value in (sample.before, accepted(sample, row.swarm))
    )

    if row.word == "driver":  # `overlay` is what it is anyway
        assert at(before, place) == at(after, place) == ["overlay"]
    else:
        assert at(before, place) != at(after, place)


# `external` and `name` are the renderer's: tests/engines/moby/test_render.py
MADE = [param for param in mapped(vocabulary.VOLUME, SWARM) if param.id not in {"external", "name"}]


@pytest.mark.parametrize("row", MADE)
def test_a_word_of_a_volume(row: Row) -> None:
    sample, place = VOLUME[row.word], place_of(row.swarm.place)
    assert place[:3] == ("Mounts", "*", "VolumeOptions")
    before, after = (
        volume_options({"name": "shop-test1_x", **sample.words(row.word, value)})
        for value in (sample.before, sample.value)
    )

    assert at(before, place[3:]) != at(after, place[3:])


def volume_options(body: dict[str, Any]) -> Any:
    volume = Desired(resource=resource("volume/x", body))
    work = Work(mark=mark(1), desired=(volume,), changes=(), base=EMPTY, wait=1)
    return Builder(work=work, look=None, values=None, root=Path("/project"), networks={}).volume_options(volume)


# --- what a real engine makes of it ---


@pytest.fixture
def known(client: Client, project: str) -> References:
    """What the samples refer to, in a real Swarm."""
    labels = {"releaser.project": project}
    made = {
        kind: client.call("POST", f"/{kind}/create", body={"Name": f"{project}_x", "Labels": labels, **more})
        for kind, more in (
            ("networks", {"Driver": "overlay"}),
            ("configs", {"Data": base64.b64encode(b"config").decode()}),
            ("secrets", {"Data": base64.b64encode(b"secret").decode()}),
        )
    }
    return References(
        networks={"shop-test1_x": made["networks"]["Id"]},
        configs={"x.0123": Object(id=made["configs"]["ID"], name=f"{project}_x")},
        secrets={"x": Object(id=made["secrets"]["ID"], name=f"{project}_x")},
        values={"x": "value", "other": "another"},
    )


@pytest.mark.engines
@pytest.mark.oldest
def test_a_swarm_keeps_every_word_as_it_was_given(
    client: Client, project: str, images: Images, known: References
) -> None:
    """Services that nobody runs: what a Swarm does not know it would drop in silence, and what is wrong it refuses."""
    image = images.sleep()
    named = Named(name="api", real=f"{project}_api", labels={"releaser.project": project})
    for row in (param.values[0] for param in mapped(vocabulary.SERVICE, SWARM)):
        if row.swarm.needs and newer(row.swarm.needs, client.api_version):
            continue
        words = {**SAMPLES[row.word].words(row.word, accepted(SAMPLES[row.word], row.swarm)), "image": image}
        if not row.word.startswith("deploy.mode"):
            words["deploy"] = {"replicas": 0, **words.get("deploy", {})}
        sent = service_spec(named, words, known, Path("/project"))
        service = client.call("POST", "/services/create", body=sent)["ID"]
        try:
            kept = client.call("GET", f"/services/{service}")["Spec"]
        finally:
            client.call("DELETE", f"/services/{service}")
        if row.word != "network_mode":  # answered as the id of the node's network, which the Swarm knows by another one
            assert holds(at(kept, in_spec(row)), at(sent, in_spec(row))), row.word
