"""An old engine is not given words that it would drop in silence."""

import pytest

from releaser.engines.moby.versions import refuse_too_new
from releaser.engines.rendering import resource
from releaser.engines.vocabulary import DOCKER, SWARM
from releaser.model.errors import ApplyFailed
from releaser.ports import Desired

SERVICES = [
    Desired(resource=resource("network/front", {"name": "x"})),
    Desired(resource=resource("service/api", {"annotations": {"a": "b"}, "security_opt": ["label=disable"]})),
    Desired(resource=resource("service/web", {"healthcheck": {"start_interval": "1s"}, "tty": True})),
]


def test_everything_is_said_at_once_with_what_it_needs() -> None:
    with pytest.raises(ApplyFailed) as raised:
        refuse_too_new(SERVICES, DOCKER, "1.41", "unix:///docker.sock")

    assert raised.value.message == (
        "unix:///docker.sock speaks version 1.41 of Docker's API, which does not know `annotations` of service/api, "
        "`healthcheck.start_interval` of service/web"
    )
    assert raised.value.hint == "remove it there, or update the engine to Docker 25 (API 1.44) or newer"


def test_each_engine_by_its_own_column() -> None:
    with pytest.raises(ApplyFailed, match=r"`security_opt` of service/api, `healthcheck\.start_interval`"):
        refuse_too_new(SERVICES, SWARM, "1.43", "x")


@pytest.mark.parametrize("api", ["1.44", "1.45", "1.51"])
def test_a_newer_engine_takes_them(api: str) -> None:
    refuse_too_new(SERVICES, DOCKER, api, "x")
