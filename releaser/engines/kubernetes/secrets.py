"""Which Secret stands for a declared secret, and the values that go into new ones."""

import base64
import secrets
from dataclasses import dataclass, field

from releaser.engines.kubernetes import marks
from releaser.engines.kubernetes.marked import marked
from releaser.engines.kubernetes.observing import Seen
from releaser.engines.kubernetes.render.container import KEY
from releaser.engines.kubernetes.render.names import label
from releaser.model.plan import UNCHANGED
from releaser.model.value import JsonMap
from releaser.ports import Desired, SecretValues, Work


@dataclass
class Chosen:
    """The Secrets of one delivery: those that are there and hold what is wanted, and those that are to be made."""

    seen: Seen
    work: Work
    values: SecretValues
    real: dict[str, str] = field(default_factory=dict)  # declared name → real name

    def choose(self, desired: Desired) -> JsonMap | None:
        """The Secret that is to be made for a declared secret; None where one that is there holds what is wanted."""
        name = desired.resource.id.partition("/")[2]
        found = self._found(name, desired)
        if found is None:
            found = self._made(name, desired)
            self.real[name] = found["metadata"]["name"]
            return found
        self.real[name] = found["metadata"]["name"]
        return None

    def live(self, name: str) -> JsonMap | None:
        """The Secret that was chosen for a declared secret, where it was there already."""
        several = self.seen.secrets.get(name, ())
        return next((raw for raw in several if raw["metadata"]["name"] == self.real.get(name)), None)

    def _found(self, name: str, desired: Desired) -> JsonMap | None:
        several = self.seen.secrets.get(name, [])
        if desired.before is not None:
            return next((raw for raw in several if raw["metadata"]["uid"] == desired.before.uid), None)
        if not several or has_new_value(self.work, desired.resource.id):
            return None
        return several[0]

    def _made(self, name: str, desired: Desired) -> JsonMap:
        real = f"{label(name)}-{secrets.token_hex(4)}"
        value = base64.b64encode(self.values.value(name)).decode()
        body = marked(desired, self.work.mark, notes={marks.NAME: name}, name=real)
        return {**{key: one for key, one in body.items() if key != "source"}, "data": {KEY: value}}


def standing(seen: Seen, work: Work) -> dict[str, str]:
    """Declared name → the Secret that is there and holds what is wanted."""
    return {
        name: several[0]["metadata"]["name"]
        for name, several in seen.secrets.items()
        if not has_new_value(work, f"secret/{name}")
    }


def has_new_value(work: Work, resource: str) -> bool:
    """Whether the plan says that a secret's value is another one now."""
    return any(
        change.resource == resource
        and change.action != UNCHANGED
        and any(one.path == KEY and one.secret for one in change.fields)
        for change in work.changes
    )
