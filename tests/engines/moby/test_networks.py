"""A declared network, and the same one as an engine answers it."""

import pytest

from releaser.engines.moby.networks import comparable, network_body, network_spec

DECLARED = {
    "name": "shop-test1_front-64474f35",
    "driver": "bridge",
    "driver_opts": {"com.docker.network.bridge.name": "front", "mtu": 1400},
    "internal": True,
    "attachable": False,
    "ipam": {
        "driver": "default",
        "options": {"a": 1},
        "config": [{"subnet": "172.28.0.0/16", "aux_addresses": {"router": "172.28.1.5"}}],
    },
    "labels": {"tier": "front", "price": 5},
}
MARK = {"releaser.project": "shop"}


def test_what_the_engine_is_given() -> None:
    assert network_spec(DECLARED, MARK, "bridge") == {
        "Name": "shop-test1_front-64474f35",
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Labels": {"tier": "front", "price": "5", "releaser.project": "shop"},
        "Internal": True,
        "Options": {"com.docker.network.bridge.name": "front", "mtu": "1400"},
        "IPAM": {
            "Driver": "default",
            "Options": {"a": "1"},
            "Config": [{"Subnet": "172.28.0.0/16", "AuxiliaryAddresses": {"router": "172.28.1.5"}}],
        },
    }


@pytest.mark.parametrize("driver", ["bridge", "overlay"])
def test_a_network_that_says_nothing(driver: str) -> None:
    assert network_spec({"name": "x"}, MARK, driver) == {
        "Name": "x",
        "CheckDuplicate": True,
        "Driver": driver,
        "Labels": MARK,
    }


@pytest.mark.parametrize("driver", ["bridge", "overlay"])
@pytest.mark.parametrize("body", [DECLARED, {"name": "x"}, {"name": "x", "ipam": {}, "enable_ipv6": True}])
def test_what_an_engine_answers_reads_as_it_was_declared(body: dict, driver: str) -> None:
    made = network_spec(body, MARK, driver)
    answer = {
        "Internal": False,
        "Attachable": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.0.9.0/24"}]},
        **made,
        "Options": {**made.get("Options", {}), "com.docker.network.driver.overlay.vxlanid_list": "4097"},
    }

    assert network_body(answer, driver) == comparable(body, driver)


def test_a_change_by_hand_shows() -> None:
    answer = {"Name": "x", "Driver": "bridge", "Internal": True, "Labels": {"a": "b", "releaser.project": "shop"}}

    assert network_body(answer, "bridge") == {"name": "x", "internal": True, "labels": {"a": "b"}}
