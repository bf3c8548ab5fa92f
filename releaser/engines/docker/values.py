"""Which value of a secret containers get: the one that live ones have, as long as it is not known to be another.

A value is known by an id that is made when it is delivered. The same id is the same value: it is read again from a
container that has it, so that machines that cannot compare their fingerprints restart nothing by turns.
"""

import secrets
from collections.abc import Iterator

from releaser.engines.docker import files
from releaser.engines.docker.api import Docker
from releaser.engines.docker.looking import Instance, Look
from releaser.engines.docker.observing import users
from releaser.engines.moby.secret_text import as_text
from releaser.ports import Desired, SecretValues, Work


def has_new_value(work: Work, name: str) -> bool:
    """Whether the plan says that a secret has another value now."""
    return any(
        field.path == "value"
        for change in work.changes
        if change.resource == f"secret/{name}"
        for field in change.fields
    )


class Values:
    """The secrets of one delivery: ids, and values; nothing is read twice."""

    def __init__(self, docker: Docker, look: Look, work: Work, source: SecretValues) -> None:
        self._docker = docker
        self._look = look
        self._work = work
        self._source = source
        self._ids: dict[str, str] = {}
        self._read: dict[str, bytes] = {}

    def id(self, name: str) -> str:
        """Which value of the secret is delivered."""
        if name not in self._ids:
            self._ids[name] = self._former(name) or self._live(name) or secrets.token_hex(4)
        return self._ids[name]

    def data(self, name: str) -> bytes:
        """The value: of the containers that have it, else today's. Raises SecretMissing."""
        if name not in self._read:
            found = next(self._had(name, self.id(name)), None)
            if found is None:
                found = self._source.value(name)
                if self._holders(name, self.id(name)):  # it is there and cannot be read: nobody knows whether it is it
                    self._ids[name] = secrets.token_hex(4)
            self._read[name] = found
        return self._read[name]

    def text(self, name: str) -> str:
        """The value for a variable. Raises ApplyFailed where it is no text."""
        return as_text(name, self.data(name))

    def _former(self, name: str) -> str | None:
        """On a way back, the value that ran before, as far as it is still there."""
        desired: Desired | None = next((one for one in self._work.desired if one.resource.id == f"secret/{name}"), None)
        former = desired.before.uid if desired is not None and desired.before is not None else None
        return former if former and self._holders(name, former) else None

    def _live(self, name: str) -> str | None:
        """The value that live containers have, the newest where there are several; None where another is wanted."""
        if has_new_value(self._work, name):
            return None
        found = [(one.revision, use.id) for use, one in users(self._look, f"secret/{name}").values() if use.id]
        return max(found)[1] if found else None

    def _holders(self, name: str, id_: str) -> list[Instance]:
        """Every container that has this value, live ones first."""
        resource = f"secret/{name}"
        holders = [
            one
            for one in self._look.instances
            if one.noted is not None and resource in one.noted.uses and one.noted.uses[resource].id == id_
        ]
        return sorted(holders, key=lambda one: (one.kept is not None, one.name))

    def _had(self, name: str, id_: str) -> Iterator[bytes]:
        for one in self._holders(name, id_):
            yield from self._in_variables(one, name)
            yield from self._in_files(one, name)

    def _in_variables(self, one: Instance, name: str) -> Iterator[bytes]:
        assert one.noted is not None  # noqa: S101 - it holds a secret of ours
        declared = one.noted.body.get("environment") or {}
        wanted = {key for key, value in declared.items() if isinstance(value, dict) and value.get("secret") == name}
        inspected = one.inspected or self._docker.inspect([one.id]).get(one.id) or {"Config": {}}
        for entry in (inspected["Config"].get("Env") or []) if wanted else []:
            key, _, value = entry.partition("=")
            if key in wanted:
                yield value.encode()

    def _in_files(self, one: Instance, name: str) -> Iterator[bytes]:
        assert one.noted is not None  # noqa: S101 - it holds a secret of ours
        if one.noted.idle:
            return  # nothing was put into it
        for file in files.wanted(one.noted.body):
            if file.kind == files.SECRET and file.name == name:
                tar = self._docker.archive(one.id, file.target)
                content = files.content_of(tar) if tar is not None else None
                if content is not None:
                    yield content
