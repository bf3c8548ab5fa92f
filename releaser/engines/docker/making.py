"""Making an instance: its files' volumes, the container, its networks, the files; all before it starts."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from releaser.engines.docker import files
from releaser.engines.docker.api import Docker
from releaser.engines.docker.container import Given, container
from releaser.engines.docker.labels import OWNER, Noted, instance_name
from releaser.engines.docker.looking import Instance, Look
from releaser.engines.docker.order import START_FIRST, STOP_FIRST, declared, order_of
from releaser.engines.docker.values import Values
from releaser.engines.docker.wanting import Wanted, Wants, kept_values
from releaser.engines.moby import marks
from releaser.engines.rendering import secrets_in_variables
from releaser.model.errors import ApplyFailed, ReleaseError
from releaser.model.value import JsonMap
from releaser.ports import Clock

_ANONYMOUS = 64  # characters of the name of a volume that nobody named


@dataclass
class Maker:
    """Makes containers of one delivery."""

    docker: Docker
    look: Look
    wants: Wants
    values: Values
    root: Path
    clock: Clock
    images: dict[str, JsonMap] = field(default_factory=dict)  # reference → its inspection
    taken: dict[str, object] = field(default_factory=dict)  # names of containers

    def order(self, wanted: Wanted) -> str:
        """Start-first or stop-first; an image that asks for volumes has data that two would write to."""
        if declared(wanted.body) is None and set(self._volumes(wanted)) - _targets(wanted.body):
            return STOP_FIRST
        return order_of(wanted.body)

    def start_first(self, wanted: Wanted) -> bool:
        """Whether the new instance runs before the old one ends."""
        return self.order(wanted) == START_FIRST

    def make(
        self, wanted: Wanted, number: int, before: Instance | None, lent: Mapping[str, str], *, idle: bool = False
    ) -> Instance:
        """A new instance that is not started yet; `before`: the one whose place it takes. Raises ApplyFailed."""
        noted = wanted.noted(number, idle=idle)
        name = instance_name(self.look.whose.prefix, noted, wanted.mark.revision, self.taken)
        what = f"container {name} of service/{wanted.name}"
        if not idle:
            noted = replace(noted, files={folder: _volume_name(name) for folder in files.folders(wanted.body)})
        words = kept_values(wanted.body, before) if before is not None else wanted.body
        id_ = None
        try:
            for volume in noted.files.values():
                self.docker.create_volume({"Name": volume, "Labels": self._labels(wanted)})
            made = container(wanted.name, name, words, self._given(wanted, noted, before, lent))
            id_ = self.docker.create(made, what)
            if not idle:
                self._fill(wanted, id_, what)
        except ReleaseError:
            self._undo(id_, noted, what)
            raise
        self.taken[name] = id_
        return Instance(
            id=id_,
            name=name,
            state="created",
            service=wanted.name,
            number=number,
            listed={},
            noted=noted,
            revision=wanted.mark.revision,
        )

    def _undo(self, id_: str | None, noted: Noted, what: str) -> None:
        if id_ is not None:
            self.docker.remove(id_, what)
        self.docker.remove_volumes(noted.files.values())

    def _given(self, wanted: Wanted, noted: Noted, before: Instance | None, lent: Mapping[str, str]) -> Given:
        return Given(
            root=self.root,
            labels=noted.labels(),
            values={name: "" if noted.idle else self.values.text(name) for name in secrets_in_variables(wanted.body)},
            lent=lent,
            files=noted.files,
            carried=dict(self._carried(wanted, before)),
        )

    def _labels(self, wanted: Wanted) -> dict[str, str]:
        return {
            marks.PROJECT: wanted.mark.project,
            marks.ENVIRONMENT: wanted.mark.environment,
            marks.HISTORY: wanted.mark.history,
            OWNER: wanted.name,
        }

    # --- volumes that nobody named ---

    def _volumes(self, wanted: Wanted) -> Mapping[str, object]:
        """The folders that the image asks volumes for."""
        image = self.images.get(wanted.body["image"]) or {}
        volumes: Mapping[str, object] = (image.get("Config") or {}).get("Volumes") or {}
        return volumes

    def _carried(self, wanted: Wanted, before: Instance | None) -> Iterator[tuple[str, str]]:
        """The predecessor's data in folders that the image asks volumes for, as Compose carries it over."""
        asked = set(self._volumes(wanted)) - _targets(wanted.body) - set(files.folders(wanted.body))
        for mount in ((before.inspected or before.listed).get("Mounts") or []) if before is not None else []:
            anonymous = mount.get("Type") == "volume" and len(mount.get("Name", "")) == _ANONYMOUS
            if anonymous and mount["Destination"] in asked:
                yield mount["Destination"], mount["Name"]

    # --- files ---

    def _fill(self, wanted: Wanted, id_: str, what: str) -> None:
        found = files.wanted(wanted.body)
        if not found:
            return
        owner = self._owner(wanted, id_, found)
        contents = {file.target: self._content(wanted, file) for file in found}
        at = int(self.clock.now().timestamp())
        for folder in sorted({file.folder for file in found}):
            inside = [file for file in found if file.folder == folder]
            self.docker.upload(id_, folder, files.archive(inside, contents, owner, at), what)

    def _content(self, wanted: Wanted, file: files.Wanted) -> bytes:
        if file.kind == files.SECRET:
            return self.values.data(file.name)
        return self.wants.content(wanted.body["configs"][file.name]["name"])

    def _owner(self, wanted: Wanted, id_: str, found: tuple[files.Wanted, ...]) -> files.Owner:
        """The user that the container runs as, as the image knows him; of files that say nothing else."""
        if all(file.uid is not None and file.gid is not None for file in found):
            return files.Owner()
        image = self.images.get(wanted.body["image"]) or {}
        user = str(wanted.body.get("user") or (image.get("Config") or {}).get("User") or "")
        paths = ("/etc/passwd", "/etc/group") if files.needs_lookup(found, user) else ()
        owner = files.owner(user, *(self._text(id_, path) for path in paths))
        if owner is None:
            raise ApplyFailed(
                f"service/{wanted.name} runs as `{user}`, whom its image does not know, so whose its files are is open",
                hint="write `user` as numbers, like 1000:1000, or say `uid` and `gid` of each config and secret",
            )
        return owner

    def _text(self, id_: str, path: str) -> str:
        tar = self.docker.archive(id_, path)
        content = files.content_of(tar) if tar is not None else None
        return (content or b"").decode(errors="replace")


def _targets(words: JsonMap) -> set[str]:
    """Where something declared is mounted."""
    mounts = (words.get("volumes") or {}).values()
    return {mount["target"].rstrip("/") or "/" for mount in mounts}


def _volume_name(name: str) -> str:
    return f"{name}.{secrets.token_hex(4)}"
