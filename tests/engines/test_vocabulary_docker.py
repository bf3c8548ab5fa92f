"""The table is honest about plain Docker: where it says that a word goes in the API, that place changes with the word.

And what is live is read back under the word that it was declared by.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from releaser.engines import vocabulary
from releaser.engines.docker import files
from releaser.engines.docker.container import Given, container
from releaser.engines.docker.labels import Noted
from releaser.engines.docker.live import words as live_words
from releaser.engines.docker.order import order_of
from releaser.engines.docker.preparing import volume_spec
from releaser.engines.moby import words as api
from releaser.engines.moby.client import Client
from releaser.engines.moby.networks import BRIDGE, network_spec
from releaser.engines.vocabulary import DOCKER, Row
from releaser.model.value import JsonMap, at_path
from releaser.planning import fingerprint
from tests.contracts.engine_contract import mark
from tests.engines.images import Images
from tests.engines.vocabulary_places import accepted, at, holds, mapped, newer, place_of
from tests.engines.vocabulary_samples import NETWORK, SAMPLES, VOLUME

GIVEN = Given(
    root=Path("/project"),
    values={"x": "value", "other": "another"},
    files={"/run/secrets": "a-volume"},
)


def whole(words: JsonMap, given: Given = GIVEN) -> dict[str, Any]:
    """All that a service becomes: the API's body, and what we do beside it."""
    made = container("api", "shop-test1-api-r1-1", {"image": "api@sha256:0", **words}, given)
    return {
        **made.body,
        "name": words.get("container_name"),
        "platform": made.platform,
        "networks": made.networks,
        "files": files.wanted(words),
        "count": api.replicas(words),
        "order": order_of(words),
    }


ROWS = mapped(vocabulary.SERVICE, DOCKER)


@pytest.mark.parametrize("row", ROWS)
def test_a_word_changes_the_place_in_docker_that_the_table_names(row: Row) -> None:
    sample, place = SAMPLES[row.word], place_of(row.docker.place)
    words = sample.words(row.word, accepted(sample, row.docker))
    before, after = whole(sample.words(row.word, sample.before)), whole(words)

    assert at(before, place) != at(after, place)
    assert list(files.refused(words)) == []
    assert list(vocabulary.refused(vocabulary.SERVICE, DOCKER, words)) == []


@pytest.mark.parametrize("row", [pytest.param(row, id=row.word) for row in vocabulary.SERVICE if row.docker.idle])
def test_a_word_without_effect_changes_nothing_in_docker(row: Row) -> None:
    sample = SAMPLES[row.word]

    assert whole(sample.words(row.word, sample.before)) == whole(sample.words(row.word, sample.value))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.word) for row in vocabulary.SERVICE if row.docker.refused])
def test_a_word_that_plain_docker_cannot_do_is_refused(row: Row) -> None:
    sample = SAMPLES[row.word]
    value = sample.value if sample.value not in row.docker.taken else "vip"

    found = [use.word for use in vocabulary.refused(vocabulary.SERVICE, DOCKER, sample.words(row.word, value))]
    assert found == [row.word]


@pytest.mark.parametrize("row", mapped(vocabulary.NETWORK, DOCKER))
def test_a_word_of_a_network(row: Row) -> None:
    sample, place = NETWORK[row.word], place_of(row.docker.place)
    before, after = (
        network_spec({"name": "shop-test1_x", **sample.words(row.word, value)}, {}, BRIDGE)
        for value in (sample.before, accepted(sample, row.docker))
    )

    assert at(before, place) != at(after, place)


# `external` and `name` are the renderer's: tests/engines/moby/test_render.py
MADE = [param for param in mapped(vocabulary.VOLUME, DOCKER) if param.id not in {"external", "name"}]


@pytest.mark.parametrize("row", MADE)
def test_a_word_of_a_volume(row: Row) -> None:
    sample, place = VOLUME[row.word], place_of(row.docker.place)
    before, after = (
        volume_spec({"name": "shop-test1_x", **sample.words(row.word, value)}, {})
        for value in (sample.before, sample.value)
    )

    assert at(before, place) != at(after, place)


# --- what a real engine makes of it ---


@pytest.fixture
def network(client: Client, project: str) -> str:
    """What the samples join, with addresses of their choice."""
    name = f"{project}_x"
    pools = [{"Subnet": "198.18.5.0/24"}, {"Subnet": "2001:db8::/64"}]
    labels = {"releaser.project": project}
    client.call(
        "POST",
        "/networks/create",
        body={"Name": name, "EnableIPv6": True, "IPAM": {"Config": pools}, "Labels": labels},
    )
    return name


@pytest.mark.engines
@pytest.mark.oldest
def test_docker_keeps_every_word_and_it_is_read_back_by_its_name(
    client: Client, project: str, images: Images, network: str
) -> None:
    """Containers that nobody starts: what an engine does not know it would drop in silence, or refuse."""
    image, another = images.sleep(), images.sleep("v2")
    for reference in (image, another):
        client.pull(reference, None, lambda _: None)
    for row in (param.values[0] for param in ROWS):
        if row.docker.needs and newer(row.docker.needs, client.api_version):
            continue
        words = _placed(
            {"image": image, **SAMPLES[row.word].words(row.word, accepted(SAMPLES[row.word], row.docker))}, network
        )
        if row.word == "image":
            words["image"] = another
        sent, kept = _created(client, project, words)
        place = place_of(row.docker.place)
        if place and row.word != "devices":
            assert holds(at(kept, place), at(sent, place)), row.word
        read = live_words(kept["whole"], _noted(words))
        for path in _paths(row.word, words):
            assert at_path(read, path) is not None, f"{row.word} is not in {read}"


def _placed(words: dict[str, Any], network: str) -> dict[str, Any]:
    joined = {key: {**one, "name": network} for key, one in words.get("networks", {}).items() if key == "x"}
    return {**words, "networks": joined} if joined else words


def _noted(words: JsonMap) -> Noted:
    return Noted(mark=mark(1), service="api", fingerprint=fingerprint.of(words), body=words, uses={})


def _created(client: Client, project: str, words: JsonMap) -> tuple[JsonMap, JsonMap]:
    """What was sent, and what the engine has then, both with the container's own settings at the top."""
    labels = {"releaser.project": project}
    made = container("api", f"{project}-api", words, Given(root=Path("/"), labels=labels, values=GIVEN.values))
    params = {"name": made.name, "platform": made.platform if made.platform != "linux/arm64" else None}
    id_ = client.call("POST", "/containers/create", params=params, body=made.body)["Id"]
    try:
        found = client.call("GET", f"/containers/{id_}/json")
    finally:
        client.call("DELETE", f"/containers/{id_}", params={"force": True, "v": True})
    endpoints = {"EndpointsConfig": found["NetworkSettings"]["Networks"]}
    kept = {**found["Config"], "HostConfig": found["HostConfig"], "NetworkingConfig": endpoints, "whole": found}
    return made.body, kept


OURS = {"deploy.mode", "deploy.replicas", "deploy.update_config.order", "platform", "container_name"}
ELSEWHERE = {
    "networks.x.priority": (),
    "networks.x.mac_address": (),
    "deploy.restart_policy.max_attempts": ("deploy", "restart_policy", "max_attempts"),
    "volumes.x.bind.create_host_path": ("volumes", "x"),
    "volumes.x.bind.selinux": ("volumes", "x", "options"),
    "volumes.x.bind.propagation": ("volumes", "x", "BindOptions", "Propagation"),
    "volumes.x.volume.nocopy": ("volumes", "x", "VolumeOptions", "NoCopy"),
    "volumes.x.volume.subpath": ("volumes", "x", "VolumeOptions", "Subpath"),
    "volumes.x.tmpfs.size": ("volumes", "x", "TmpfsOptions", "SizeBytes"),
    "volumes.x.tmpfs.mode": ("volumes", "x", "TmpfsOptions", "Mode"),
    "ports.x.protocol": ("ports", "x", "protocol"),
}


def _paths(word: str, words: JsonMap) -> Iterator[tuple[str, ...]]:
    """Where a word is read back, if it is the engine that has it."""
    if word in OURS:
        return
    key = word.replace("*", "x")
    path = ELSEWHERE.get(key, tuple(key.split(".")))
    if path and not (isinstance(at_path(words, path), Mapping) and not at_path(words, path)):
        yield path
