"""A live spec in the words that were declared, without an engine."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from releaser.engines.moby import marks
from releaser.engines.swarm.comparing import same_spec
from releaser.engines.swarm.labels import Names, Noted, Use, seal
from releaser.engines.swarm.live import Known, span, words
from releaser.engines.swarm.references import Object, References
from releaser.engines.swarm.spec import Named, service_spec
from releaser.engines.swarm.templates import escaped
from releaser.planning.drift import REPLACED

BODY: dict[str, Any] = {
    "image": "registry.test/api@sha256:1",
    "environment": {"EMPTY": "", "PASSWORD": {"secret": "db"}},
    "networks": {"front": {"name": "shop-test_front", "aliases": ["shop"]}},
    "volumes": {"data": {"type": "volume", "source": "shop-test_data", "target": "/data"}},
    "configs": {"app": {"name": "app.123", "target": "/etc/app"}},
    "secrets": {"db": {"target": "/run/secrets/db"}},
    "ports": {"http": {"target": 8080, "published": 80}},
    "deploy": {"mode": "replicated", "replicas": 2},
}
KNOWN = Known(networks={"n1": "shop-test_front"}, configs={"c1": "app.123"}, secrets={"s1": "db"})
VALUE = "hunter {{two}}"


def spec(body: dict[str, Any] = BODY, **noted: Any) -> dict[str, Any]:
    names = Names(networks={"shop-test_front": Use(name="front", fingerprint="f")}, mounts={"/data": "data"})
    sealed = {"PASSWORD": seal("db", "value-1", escaped(VALUE))}
    said = msgspec.structs.replace(Noted(names=names, sealed=sealed), **noted)
    references = References(
        networks={"shop-test_front": "n1"},
        configs={"app.123": Object(id="c1", name="shop-test_app.123")},
        secrets={"db": Object(id="s1", name="shop-test_db.value-1")},
        values={"db": VALUE},
        volumes={"shop-test_data": {"Labels": {marks.NAME: "data"}}},
    )
    named = Named(name="api", real="shop-test_api", labels={marks.NAME: "api", **said.labels()})
    return service_spec(named, body, references, Path("/"))


def test_what_was_declared_reads_back() -> None:
    assert words(spec(), KNOWN) == BODY


def test_a_value_is_never_shown() -> None:
    assert VALUE not in str(words(spec(), KNOWN))
    changed = spec()
    changed["TaskTemplate"]["ContainerSpec"]["Env"] = ["EMPTY=", "PASSWORD=by-hand"]
    assert words(changed, KNOWN)["environment"] == {"EMPTY": "", "PASSWORD": REPLACED}
    assert "values hidden" in repr(References(values={"db": VALUE}))
    assert VALUE not in repr(References(values={"db": VALUE}))


@pytest.mark.parametrize("path", ["deploy.replicas", "deploy.resources.limits.memory", "environment.EXTRA"])
def test_what_is_left_to_others_is_not_there(path: str) -> None:
    one, other = spec(ignored=(path,)), spec(ignored=(path,))
    other["Mode"]["Replicated"]["Replicas"] = 2 if path != "deploy.replicas" else 9
    if "memory" in path:
        other["TaskTemplate"]["Resources"] = {"Limits": {"MemoryBytes": 1 << 20}}
    if "EXTRA" in path:
        other["TaskTemplate"]["ContainerSpec"]["Env"].append("EXTRA=1")
    assert not same_spec(one, other)
    assert words(one, KNOWN) == words(other, KNOWN)


def test_variables_that_no_map_can_hold_are_seen() -> None:
    odd = spec()
    odd["TaskTemplate"]["ContainerSpec"]["Env"] += ["ALONE", "EMPTY=twice"]
    found = words(odd, KNOWN)
    assert found["environment"]["EMPTY"] == ""
    assert found["TaskTemplate"] == {"ContainerSpec": {"Env": ["ALONE", "EMPTY=twice"]}}


def test_nonsense_in_our_labels_is_no_error() -> None:
    odd = spec()
    odd["Labels"] |= {"releaser.names": "nonsense", "releaser.sealed": "[]", "releaser.ignore": '{"a": 1}'}
    found = words(odd, KNOWN)
    assert found["networks"] == {"shop-test_front": BODY["networks"]["front"]}
    assert found["environment"]["PASSWORD"] == VALUE  # nobody can tell any more what it is


@pytest.mark.parametrize(
    ("nanoseconds", "text"), [(0, "0s"), (90_000_000_000, "1m30s"), (1_500_000_000, "1s500ms"), (250_000, "250us")]
)
def test_spans(nanoseconds: int, text: str) -> None:
    assert span(nanoseconds) == text


def test_what_the_engine_adds_is_no_difference() -> None:
    answered = spec()
    answered["Labels"][marks.REVISION] = "7"
    answered["TaskTemplate"] |= {"ForceUpdate": 3, "Runtime": "container", "Resources": {}}
    answered["TaskTemplate"]["ContainerSpec"]["Isolation"] = "default"
    answered["EndpointSpec"]["Mode"] = "vip"
    answered["TaskTemplate"]["ContainerSpec"]["Env"].reverse()
    mine = spec()
    mine["Labels"] = {**answered["Labels"], marks.REVISION: "1"}
    assert same_spec(mine, answered)
    answered["TaskTemplate"]["ContainerSpec"]["Init"] = False
    assert not same_spec(mine, answered)
