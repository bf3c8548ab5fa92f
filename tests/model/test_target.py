"""When two targets are one."""

import pytest

from releaser.model.resource import ABSENT, Target


def target(identity, namespace="shop", engine="kubernetes"):
    return Target(engine=engine, identity=identity, context="here", namespace=namespace)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (target("uid-1"), target("uid-1"), True),
        (target("uid-1"), target("uid-1", namespace="renamed"), True),
        (target("uid-1"), target("uid-2"), False),
        (target("uid-1"), target("uid-1", engine="swarm"), False),
        # The first delivery makes it, and a person may delete it.
        (target(ABSENT), target("uid-1"), True),
        (target("uid-1"), target(ABSENT), True),
        (target(ABSENT), target("uid-1", namespace="other"), False),
        (target(ABSENT), target(ABSENT), True),
    ],
)
def test_is_same(one, other, expected):
    assert one.is_same(other) is expected
    assert other.is_same(one) is expected
