"""Secrets in operations: fingerprints for plans and records, values for an engine's last call."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from releaser.model.environment import Environment
from releaser.model.errors import ReleaseError, SecretMissing, SecretSourceChanged
from releaser.model.plan import DELETE, UNCHANGED, Plan
from releaser.model.resource import Resource, SecretPrint
from releaser.model.value import JsonMap
from releaser.operations.workspace import Workspace
from releaser.planning.wording import listed


def prints(
    ws: Workspace, environment: str, names: Sequence[str], definitions: Mapping[str, JsonMap]
) -> tuple[dict[str, SecretPrint], tuple[str, ...]]:
    """Each secret's fingerprint, and a warning for each value that could not be read: unknown is never a change."""
    if not names:
        return {}, ()
    try:
        key = ws.open_key()
    except ReleaseError as error:
        _learn(ws, names, definitions)
        unknown = {name: SecretPrint(key="none", fingerprint=None) for name in names}
        return unknown, (f"changes of secrets cannot be told: {error.message}",)
    found, warnings = {}, []
    for name in sorted(names):
        found[name] = SecretPrint(key=key.id, fingerprint=None)
        if name not in definitions:
            continue  # its source may not be read, which is told elsewhere
        try:
            found[name] = key.sign(environment, name, ws.secrets.read(name, definitions[name]))
        except SecretMissing as error:
            warnings.append(f"{error.message}: whether it changed is unknown")
    return found, tuple(warnings)


def _learn(ws: Workspace, names: Sequence[str], definitions: Mapping[str, JsonMap]) -> None:
    """Read the values only to know what must not be told: others may repeat them."""
    for name in names:
        with suppress(SecretMissing):
            ws.secrets.read(name, definitions.get(name, {}))


def other_keys(then: Mapping[str, SecretPrint], now: Mapping[str, SecretPrint]) -> tuple[str, ...]:
    """A warning for the secrets that were fingerprinted with another key than today's."""
    names = sorted(
        name
        for name, found in now.items()
        if name in then and None not in {then[name].fingerprint, found.fingerprint} and then[name].key != found.key
    )
    if not names:
        return ()
    return (f"secret {listed(names)}: fingerprinted with another key, so whether it changed is unknown",)


def changed_commands(
    recorded: Mapping[str, JsonMap], environment: Environment | None, referred: Iterable[str]
) -> frozenset[str]:
    """The secrets whose recorded source is a command that today's declarations do not have.

    Such a command is not run: a history must not be able to run programs.
    """
    today = environment.secrets if environment else {}
    return frozenset(
        name for name in referred if recorded.get(name, {}).get("from") == "exec" and recorded[name] != today.get(name)
    )


def not_run(barred: Iterable[str]) -> tuple[str, ...]:
    """A warning for each secret whose recorded command is not run."""
    return tuple(f"secret {name}: the recorded command is not today's, and is not run" for name in sorted(barred))


def refuse_barred(plan: Plan, resources: Iterable[Resource], barred: frozenset[str]) -> None:
    """Raises SecretSourceChanged where a write needs a secret whose recorded command is not run.

    For engines that must be given values.
    """
    written = {change.resource for change in plan.changes if change.action not in {UNCHANGED, DELETE}}
    missing = {
        name for resource in resources if resource.id in written for name in resource.secrets.values() if name in barred
    }
    if missing:
        raise SecretSourceChanged(
            f"the recorded source of secret {listed(sorted(missing))} is a command that today's declarations of "
            f"{plan.environment} do not have, so it is not run",
            hint="declare the same command again, or promote instead",
        )


class Values:
    """Values of one delivery's secrets; implements ports.SecretValues."""

    def __init__(self, ws: Workspace, definitions: Mapping[str, JsonMap]) -> None:
        self._ws = ws
        self._definitions = definitions

    def value(self, name: str) -> bytes:
        """The value. Raises SecretMissing."""
        if name not in self._definitions:
            raise SecretMissing(f"secret {name} has no source that is read", hint=f"declare it under secrets: {name}")
        return self._ws.secrets.read(name, self._definitions[name])
