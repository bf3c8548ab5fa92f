"""Targets: what a person knows one by."""

import pytest

from releaser.model.resource import Target


@pytest.mark.parametrize(
    ("words", "place", "runs"),
    [
        ({"engine": "directory", "path": "deploy/test"}, "deploy/test", False),
        ({"engine": "docker", "host": "unix:///var/run/docker.sock"}, "unix:///var/run/docker.sock", True),
        ({"engine": "kubernetes", "context": "blue", "namespace": "shop"}, "blue/shop", True),
        ({"engine": "kubernetes", "namespace": "shop"}, "shop", True),
        ({"engine": "swarm"}, "id-1", True),
    ],
)
def test_the_place_of_a_target(words, place, runs):
    target = Target(identity="id-1", **words)
    assert (target.place, target.runs) == (place, runs)
