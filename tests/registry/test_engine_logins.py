"""Logins in the header that an engine takes."""

import base64
import json
from pathlib import Path

import pytest

from releaser.model.errors import RegistryUnreachable
from releaser.registry.engine_logins import EngineLogins
from releaser.registry.logins import DockerLogins


def logins(folder: Path, config: object, limit: float = 10.0) -> EngineLogins:
    (folder / "config.json").write_text(json.dumps(config))
    return EngineLogins(DockerLogins({"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:/bin:/usr/bin"}, limit))


def decoded(header: str | None) -> object:
    assert header is not None
    return json.loads(base64.urlsafe_b64decode(header))


def test_name_and_password(tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:p?ss>word").decode()
    found = logins(tmp_path, {"auths": {"registry.test:5000": {"auth": auth}}})

    assert decoded(found.header("registry.test:5000")) == {
        "username": "me",
        "password": "p?ss>word",
        "serveraddress": "registry.test:5000",
    }
    assert found.header("other.test") is None


def test_an_identity_token_and_the_key_of_docker_hub(tmp_path: Path) -> None:
    found = logins(tmp_path, {"auths": {"https://index.docker.io/v1/": {"identitytoken": "long"}}})

    assert decoded(found.header("docker.io")) == {
        "identitytoken": "long",
        "serveraddress": "https://index.docker.io/v1/",
    }


def test_a_helper_that_fails_is_asked_once(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-broken"
    helper.write_text(f"#!/bin/sh\necho asked >>{tmp_path}/asked\nexit 1\n")
    helper.chmod(0o755)
    found = logins(tmp_path, {"credsStore": "broken"})

    for _ in range(2):
        with pytest.raises(
            RegistryUnreachable, match=r"registry\.test: the credential helper .*broken failed"
        ) as failure:
            found.header("registry.test")
        assert "docker login" in str(failure.value.hint)
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_a_helper_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-slow"
    helper.write_text("#!/bin/sh\nexec sleep 60\n")
    helper.chmod(0o755)

    with pytest.raises(RegistryUnreachable, match="docker-credential-slow did not answer within 3 seconds"):
        logins(tmp_path, {"credsStore": "slow"}, limit=3.0).header("registry.test")
