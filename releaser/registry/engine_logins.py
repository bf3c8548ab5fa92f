"""The user's logins as an engine is handed them: for what it pulls on our behalf."""

import base64
from collections.abc import Mapping

import msgspec

from releaser.model.errors import RegistryUnreachable
from releaser.registry.logins import DockerLogins, Login, LoginFailed
from releaser.registry.references import Repository


class EngineLogins:
    """The port's `RegistryLogins`, over what `docker login` stored; a helper that fails is not asked again."""

    def __init__(self, logins: DockerLogins) -> None:
        self._logins = logins
        self._failed: dict[str, LoginFailed] = {}

    def header(self, host: str) -> str | None:
        """The value of X-Registry-Auth for a registry, None where no login is stored. Raises RegistryUnreachable."""
        key = Repository(host, "").login_key
        if host not in self._failed:
            try:
                login = self._logins.login(key)
            except LoginFailed as error:
                self._failed[host] = error
            else:
                return _encoded(login, key) if login else None
        failed = self._failed[host]
        raise RegistryUnreachable(f"{host}: {failed.reason}", hint=failed.hint) from failed


def _encoded(login: Login, key: str) -> str:
    said: Mapping[str, str] = {
        "username": login.username,
        "password": login.password,
        "identitytoken": login.identity_token,
        "registrytoken": login.registry_token,
        "serveraddress": key,
    }
    return base64.urlsafe_b64encode(msgspec.json.encode({name: text for name, text in said.items() if text})).decode()
