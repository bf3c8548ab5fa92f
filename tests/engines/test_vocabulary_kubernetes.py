"""The table is honest about Kubernetes: a word that has a place there changes an object, and no other does."""

from typing import Any

import pytest

from releaser.engines import vocabulary
from releaser.engines.kubernetes.render import render
from releaser.engines.vocabulary import Row
from releaser.model.errors import InvalidDeclarations
from tests.contracts.engine_contract import environment, release
from tests.engines.vocabulary_places import accepted
from tests.engines.vocabulary_samples import KEY, SAMPLES, VOLUME

OURS = {"on", "depends_on.*.required"}
"""Words that `release` obeys, and no object shows."""

VALUES: dict[str, Any] = {
    "user": "1000:1000",
    "group_add": ["10"],
    "restart": "always",
    "deploy.restart_policy.condition": "any",
    "security_opt": ["no-new-privileges"],
    "deploy.placement.constraints": ["node.labels.disk==ssd"],
    "volumes.*.source": "/srv/data",
    "deploy.mode": "global",
    "healthcheck.start_interval": "2s",
    "stop_grace_period": "25s",
}
"""What Kubernetes takes where the sample is another engine's."""

AROUND: dict[str, Any] = {
    "healthcheck.start_interval": {"healthcheck": {"start_period": "10s"}},
    "deploy.endpoint_mode": {"expose": [80]},
    "deploy.restart_policy.max_attempts": {"deploy": {"mode": "replicated-job"}},
    "deploy.restart_policy.delay": {"deploy": {"mode": "replicated-job"}},
    "deploy.restart_policy.window": {"deploy": {"mode": "replicated-job"}},
}
"""Words that another word only shows beside them."""

UNSEEN = {"image", "volumes.*.type", "restart", "deploy.restart_policy.condition", "healthcheck.disable", "deploy.mode"}
"""Words that the other tests show, or whose accepted value is what is there without a word."""


def rendered(words: dict[str, Any], volumes: dict[str, Any] | None = None) -> dict[str, Any]:
    """The objects of one service; what it names is there."""
    ports = {key: {"target": 80, **port} for key, port in words.get("ports", {}).items()}
    mounts = {key: {"target": "/data", **mount} for key, mount in words.get("volumes", {}).items()}
    service = {
        "image": "api",
        **words,
        **({"ports": ports} if ports else {}),
        **({"volumes": mounts} if mounts else {}),
    }
    if "autoscale" in service.get("deploy", {}):
        service["deploy"] = {**service["deploy"], "autoscale": {"max": 9, **service["deploy"]["autoscale"]}}
    declared = environment(
        services={"api": service, **{name: {"image": "api"} for name in words.get("depends_on", {})}},
        configs={KEY: {"content": "x"}},
        secrets={name: {"from": "env", "name": "X"} for name in (KEY, "other")},
        networks={KEY: {}, "default": {}},
        volumes={KEY: {}, "other": {}, "data": {}, **(volumes or {})},
    )
    return {resource.id: resource.body for resource in render(declared, release()).resources}


def beside(row: Row, words: dict[str, Any]) -> dict[str, Any]:
    """The words with what shows this one."""
    found = dict(words)
    for key, more in AROUND.get(row.word, {}).items():
        found[key] = {**found[key], **more} if isinstance(found.get(key), dict) else more
    return found


def value(row: Row) -> Any:
    return VALUES.get(row.word, accepted(SAMPLES[row.word], row.kubernetes))


PLACED = [
    pytest.param(row, id=row.word)
    for row in vocabulary.SERVICE
    if row.kubernetes.place and row.word not in OURS | UNSEEN
]


@pytest.mark.parametrize("row", PLACED)
def test_a_word_with_a_place_changes_an_object(row: Row) -> None:
    sample = SAMPLES[row.word]

    before, after = sample.words(row.word, sample.before), sample.words(row.word, value(row))
    assert rendered(beside(row, before)) != rendered(beside(row, after))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.word) for row in vocabulary.SERVICE if row.kubernetes.idle])
def test_a_word_without_effect_changes_nothing(row: Row) -> None:
    sample = SAMPLES[row.word]

    before, after = sample.words(row.word, sample.before), sample.words(row.word, sample.value)
    assert rendered(beside(row, before)) == rendered(beside(row, after))


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.word) for row in vocabulary.SERVICE if row.kubernetes.refused]
)
def test_a_word_that_a_cluster_cannot_do_is_refused(row: Row) -> None:
    sample = SAMPLES[row.word]
    other = sample.value if sample.value not in row.kubernetes.taken else "none"
    with pytest.raises(InvalidDeclarations) as refused:
        rendered(sample.words(row.word, other))

    assert any(problem.message.startswith("Kubernetes does not take") for problem in refused.value.problems)


@pytest.mark.parametrize(
    "word", ["name", "driver_opts", "per_replica.size", "per_replica.storage_class", "per_replica.access"]
)
def test_a_word_of_a_volume(word: str) -> None:
    sample = VOLUME[word]
    options = {"size": "10Gi", "storage_class": "fast", "access": "ReadWriteMany"}
    made = options if word == "driver_opts" else sample.value
    before, after = (
        rendered({"volumes": {"data": {}}}, {"data": {"per_replica": {}, **sample.words(word, value)}
                                             if word.startswith("per") else sample.words(word, value)})
        for value in (sample.before, made)
    )  # fmt: skip

    assert before != after


def test_a_claim_takes_no_other_options() -> None:
    with pytest.raises(InvalidDeclarations, match="a claim has no option `type`"):
        rendered({"volumes": {"data": {}}}, {"data": {"driver_opts": {"type": "tmpfs"}}})


def test_what_expands_variables_is_escaped() -> None:
    body = rendered({"command": ["echo", "$(HOME)"], "environment": {"A": "$(B)"}})["deployment.apps/api"]
    container = body["spec"]["template"]["spec"]["containers"][0]

    assert container["args"] == ["echo", "$$(HOME)"]
    assert container["env"] == [{"name": "A", "value": "$$(B)"}]
