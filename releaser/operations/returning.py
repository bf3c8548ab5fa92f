"""Values of secrets on the way back: which ones the engine has when what ran before runs again."""

from dataclasses import dataclass

from releaser.model.plan import UNCHANGED, UPDATE, Change, FieldChange
from releaser.model.resource import Inventory, Observation, SecretPrint
from releaser.model.value import JsonMap
from releaser.operations.attempt import Attempt, Before
from releaser.operations.recorded import readable
from releaser.operations.secrets import changed_commands, prints
from releaser.operations.workspace import Workspace
from releaser.planning import settling


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a failed attempt left, the changes that went back from there, and what was found live then."""

    left: Inventory
    changes: tuple[Change, ...]
    observation: Observation


def put_back(before: Before, observation: Observation, change: Change) -> Change:
    """The change, also where only the value of a secret is another: its thing is another one then."""
    live, item = observation.resources.get(change.resource), before.inventory.items.get(change.resource)
    if change.action != UNCHANGED or live is None or item is None or not change.resource.startswith("secret/"):
        return change
    if live.uid == item.uid:
        return change
    value = FieldChange(path="value", old=None, new=None, secret=True)
    return Change(resource=change.resource, action=UPDATE, fields=(value,))


def definitions_then(ws: Workspace, attempt: Attempt, before: Before) -> dict[str, JsonMap]:
    """The recorded sources that may be read today."""
    referred = {name for resource in before.resources for name in resource.secrets.values()}
    recorded = before.inventory.definitions
    barred = changed_commands(recorded, readable(ws, attempt.plan.environment).environment, referred)
    return {name: source for name, source in recorded.items() if name not in barred}


def given_back(ws: Workspace, attempt: Attempt, before: Before, way: Way) -> dict[str, SecretPrint]:
    """The values that the engine has: what ran before has its own; what was written back got today's.

    The rest has what the attempt left.
    """
    names = sorted({name for resource in before.resources for name in resource.secrets.values()})
    today, _ = prints(ws, attempt.plan.environment, names, definitions_then(ws, attempt, before))
    found = {}
    for name in names:
        then = way.left.secrets.get(name) or before.inventory.secrets.get(name)
        secret = f"secret/{name}"
        live, item = way.observation.resources.get(secret), before.inventory.items.get(secret)
        if live is not None and item is not None and live.uid == item.uid is not None:
            found[name] = before.inventory.secrets.get(name, today[name])
            continue
        given = settling.referring(name, before.resources)
        written = given & settling.changing(way.changes)
        delivered = secret in settling.changing(way.changes) or written == given or (None if written else False)
        found[name] = settling.value_left(then, today[name], delivered)
    return found


def unsure(attempt: Attempt) -> dict[str, SecretPrint]:
    """The values after a way back that stopped somewhere."""
    then = attempt.here.secrets
    return {name: settling.value_left(then.get(name), now, None) for name, now in attempt.plan.secrets.items()}
