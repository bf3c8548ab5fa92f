"""Fields as servers spell them, and what of an answer is more than a default."""

import pytest

from releaser.engines.kubernetes.defaults import equal, matches, sets
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.fields import path_of
from releaser.model.preview import Set

BODY = {
    "metadata": {"labels": {"app.test/name": "api"}},
    "spec": {
        "replicas": 1,
        "containers": [
            {"name": "api", "image": "a", "env": [{"name": "LEVEL", "value": "1"}], "ports": [{"containerPort": 80}]},
            {"name": "log", "image": "b"},
        ],
        "rules": [{"host": "a"}, {"host": "b"}],
    },
}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("spec.replicas", "spec.replicas"),
        ("spec.containers[1].image", "spec.containers.log.image"),
        ("spec.containers[0].env[0].value", "spec.containers.api.env.LEVEL.value"),
        ('.spec.containers[name="log"].imag', "spec.containers.log"),
        ('.spec.containers[name="api"].ports[containerPort=80,protocol="TCP"].x', "spec.containers.api.ports"),
        ('.spec.containers[name="api"].ports[containerPort=80].x', "spec.containers.api.ports.0"),
        ("spec.rules[1].http", "spec.rules.1"),
        ("metadata.labels[app.test/name]", "metadata.labels.app.test/name"),
        ("spec.containers[7].image", "spec.containers"),
        ("<nil>", ""),
        ("spec.replicas.more", "spec.replicas"),
    ],
)
def test_a_field_leads_as_far_as_it_is_there(field, path):
    assert ".".join(path_of(BODY, field)) == path


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("failed to create typed patch object: .spec.replica: field not declared in schema", (".spec.replica",)),
        (
            '.spec.containers[name="api"].imag: field not declared in schema, .spec.foo: field not declared in schema',
            ('.spec.containers[name="api"].imag', ".spec.foo"),
        ),
        ('strict decoding error: unknown field "spec.foo", unknown field "spec.bar"', ("spec.foo", "spec.bar")),
        ("failed to create typed patch object: .spec.litres: expected numeric (int or float)", (".spec.litres",)),
        ("no such thing", ()),
    ],
)
def test_unknown_words_are_found_in_the_servers_words(message, fields):
    assert ApiRefused(400, "BadRequest", message).fields == fields


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1000m", "1", True),
        ("1024Mi", "1Gi", True),
        (1, "1", True),
        ("0.5", "500m", True),
        ("1e3", "1k", True),
        ("1M", "1Mi", False),
        ("info", "debug", False),
        (True, "true", False),
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "1.2.4", False),
    ],
)
def test_quantities_are_equal_however_they_are_spelled(one, other, same):
    assert equal(one, other) is same


@pytest.mark.parametrize(
    ("wanted", "answer", "same"),
    [
        ([{"port": 2}, {"port": 1}], [{"port": 1, "protocol": "TCP"}, {"port": 2, "protocol": "TCP"}], True),
        ([{"port": 1}, {"port": 1}], [{"port": 1}, {"port": 2}], False),
        ([{"port": 1}], [{"port": 1, "mesh": "on"}], False),
        ([{"port": 1}], [{"port": 1}, {"port": 2}], False),
        ({"cpu": "1000m"}, {"cpu": "1"}, True),
        (["a", "b"], ["b", "a"], True),
        (None, None, True),
    ],
)
def test_an_answer_is_what_was_wanted(wanted, answer, same):
    assert matches(wanted, answer) is same


def told(before, declared, answer):
    return [(".".join(one.path), one.old, one.new) for one in sets(before, declared, answer)]


def test_a_new_object_with_its_defaults_has_nothing_to_tell():
    declared = {"spec": {"limits": {"cpu": "1000m"}, "containers": [{"name": "api", "image": "a"}]}}
    answer = {
        "spec": {
            "limits": {"cpu": "1"},
            "dnsPolicy": "ClusterFirst",
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "containers": [{"name": "api", "image": "a", "imagePullPolicy": "IfNotPresent", "resources": {}}],
        }
    }
    assert told(None, declared, answer) == []


def test_a_value_of_a_default_that_is_another_is_told():
    declared = {"spec": {"containers": [{"name": "api", "image": "a", "imagePullPolicy": "Always"}]}}
    answer = {
        "spec": {
            "dnsPolicy": "None",
            "containers": [
                {"name": "api", "image": "mirror/a", "imagePullPolicy": "Never"},
                {"name": "mesh", "image": "m", "terminationMessagePath": "/dev/termination-log"},
            ],
        }
    }
    assert told(None, declared, answer) == [
        ("spec.containers.api.image", "a", "mirror/a"),
        ("spec.containers.api.imagePullPolicy", "Always", "Never"),
        ("spec.containers.mesh.image", None, "m"),
        ("spec.containers.mesh.name", None, "mesh"),
        ("spec.dnsPolicy", None, "None"),
    ]


def test_a_list_in_another_order_is_nothing_to_tell():
    before = {"ports": [{"port": 1}, {"port": 2}]}
    assert told(before, {"ports": [{"port": 3}, {"port": 1}]}, {"ports": [{"port": 1}, {"port": 3}]}) == []


def test_of_an_update_what_was_not_planned_is_told():
    before = {"spec": {"replicas": 1, "image": "a", "mesh": "on", "gone": 1}}
    declared = {"spec": {"replicas": 5, "image": "b"}}
    answer = {"spec": {"replicas": 3, "image": "b", "mesh": "off"}}
    assert sets(before, declared, answer) == (
        Set(path=("spec", "mesh"), old="on", new="off"),
        Set(path=("spec", "replicas"), old=1, new=3),
    )
