"""What things are called in an engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.engines.moby import limits, names

START = names.prefix("shop", "test1")


def test_names_carry_project_and_environment() -> None:
    assert START == "shop-test1"
    assert names.of(START, "api") == "shop-test1_api"
    assert names.volume_name(START, "data", {}) == names.volume_name(START, "data", None) == "shop-test1_data"
    assert names.volume_name(START, "data", {"name": "kept"}) == "kept"
    assert names.container_name(START, "api", 7, 1) == "shop-test1-api-r7-1"
    assert names.external_name("data", {"external": True}) == "data"
    assert names.external_name("data", {"external": True, "name": "kept"}) == "kept"


@pytest.mark.parametrize("body", [None, {}, {"labels": {}}, {"driver": None}, {"external": False, "internal": False}])
def test_a_network_without_options_has_a_plain_name(body: dict | None) -> None:
    assert names.network_name(START, "front", body) == "shop-test1_front"


def test_a_network_with_options_is_named_by_them() -> None:
    one = names.network_name(START, "front", {"internal": True})
    other = names.network_name(START, "front", {"internal": True, "labels": {"a": 1}})

    assert one.startswith("shop-test1_front-")
    assert len(one) == len("shop-test1_front-") + 8
    assert one != other
    assert limits.SWARM_NAME.match(one)
    assert names.network_name(START, "front", {"internal": True, "name": "own"}) == "own"


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers()))
def test_the_order_of_options_does_not_matter(options: dict) -> None:
    turned = dict(reversed(options.items()))
    assert names.network_name(START, "front", options) == names.network_name(START, "front", turned)


@pytest.mark.parametrize("name", ["a", "a-b", "a_b", "A1", "a--b", "a_-b"])
def test_what_swarm_takes_as_a_name(name: str) -> None:
    assert list(limits.swarm_names("services", {"x": name})) == []


@pytest.mark.parametrize("name", ["a.b", "-a", "a-", "a_", "ü", "a b", "a\n", ""])
def test_what_swarm_does_not_take_as_a_name(name: str) -> None:
    (wrong,) = limits.swarm_names("services", {"x": name})

    assert wrong.path == ("services", "x")
    assert wrong.message == f"Swarm cannot take `{name}` as a name"


def test_the_longest_names() -> None:
    assert list(limits.swarm_names("networks", {"x": "a" * 63})) == []
    assert list(limits.swarm_objects("configs", {"x": "a" * 64})) == []
    (service,) = limits.swarm_names("services", {"x": "a" * 64})
    (config,) = limits.swarm_objects("configs", {"x": "a" * 65})
    assert service.message == f"`{'a' * 64}` has 64 characters, and Swarm takes 63"
    assert config.message == f"`{'a' * 65}` has 65 characters, and Swarm takes 64"
    assert service.hint == "shorten `x`, or the name of the project or the environment"


def test_the_sizes_of_configs() -> None:
    assert list(limits.swarm_configs([("x", 1), ("y", 1_023_999)])) == []
    empty, large = limits.swarm_configs([("x", 0), ("y", 1_024_000)])
    assert empty.message == "the config `x` is empty, and Swarm takes none without content"
    assert large.message == "the config `y` has 1024000 bytes, and Swarm takes less than 1024000"


def test_names_of_volumes() -> None:
    assert list(limits.volume_names({"x": "a.b-c_D"})) == []
    (wrong,) = limits.volume_names({"x": "/srv/data"})
    assert wrong.path == ("volumes", "x", "name")
    assert [one.message for one in limits.volume_names({"x": "a"})]
