"""Secrets in operations: fingerprints for plans and records, values for an engine's last call."""

from collections.abc import Mapping, Sequence

from releaser.model.errors import ReleaseError, SecretMissing
from releaser.model.resource import SecretPrint
from releaser.model.value import JsonMap
from releaser.operations.workspace import Workspace


def prints(
    ws: Workspace, environment: str, names: Sequence[str], definitions: Mapping[str, JsonMap]
) -> tuple[dict[str, SecretPrint], tuple[str, ...]]:
    """Each secret's fingerprint, and a warning for each value that could not be read: unknown is never a change."""
    if not names:
        return {}, ()
    try:
        key = ws.open_key()
    except ReleaseError as error:
        unknown = {name: SecretPrint(key="none", fingerprint=None) for name in names}
        return unknown, (f"changes of secrets cannot be told: {error.message}",)
    found, warnings = {}, []
    for name in sorted(names):
        try:
            found[name] = key.sign(environment, name, ws.secrets.read(name, definitions[name]))
        except SecretMissing as error:
            found[name] = SecretPrint(key=key.id, fingerprint=None)
            warnings.append(f"{error.message}: whether it changed is unknown")
    return found, tuple(warnings)


class Values:
    """Values of one delivery's secrets; implements ports.SecretValues."""

    def __init__(self, ws: Workspace, definitions: Mapping[str, JsonMap]) -> None:
        self._ws = ws
        self._definitions = definitions

    def value(self, name: str) -> bytes:
        """The value. Raises SecretMissing."""
        if name not in self._definitions:
            raise SecretMissing(f"secret {name} has no source", hint=f"declare it under secrets: {name}")
        return self._ws.secrets.read(name, self._definitions[name])
