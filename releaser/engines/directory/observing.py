"""What is in the delivered folder, as live things."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from releaser.engines.directory.document import (
    COMPOSE,
    CONFIGS,
    FILE,
    MARK,
    SECTIONS,
    definition,
    mark_in,
    mark_of,
)
from releaser.engines.directory.folder import Folder, OddFile
from releaser.engines.directory.reading import Broken, parse
from releaser.model.resource import Inventory, Live, Mark, Observation
from releaser.model.value import Json, Value
from releaser.planning import fingerprint

_REFERENCE_WORDS = frozenset({"environment", "external", "file", "name"})
_HIDDEN = "(a value that is not shown)"


class Found(Value, frozen=True, kw_only=True):
    """What `compose.yaml` says; `configs` is None where it does not list any, being broken or not there."""

    live: Mapping[str, Live]
    mark: Mark | None = None
    configs: Mapping[str, Json] | None = None
    files: Mapping[str, str] = {}


NOTHING = Found(live={})


def observe(folder: Folder, inventory: Inventory, at: datetime) -> Observation:
    """Everything of ours in an open folder. Raises OSError where something cannot be read."""
    found = _compose(folder, inventory)
    live = dict(found.live)
    with suppress(OddFile), folder.inner(CONFIGS) as configs:
        live.update(_configs(configs, found, inventory))
    return Observation(resources=dict(sorted(live.items())), at=at, files=found.files)


def _compose(folder: Folder, inventory: Inventory) -> Found:
    try:
        data = folder.read(COMPOSE)
    except FileNotFoundError:
        return NOTHING
    except OddFile as odd:
        return _broken(f"it is {odd}")
    digest = fingerprint.of_bytes(data)
    mark = mark_of(data)
    if digest == inventory.files.get(COMPOSE) and FILE in inventory.items and mark is not None:
        return _recorded(mark, digest, inventory)
    try:
        return _parsed(parse(data), digest)
    except Broken as broken:
        return _broken(str(broken), digest)


def _broken(reason: str, digest: str | None = None) -> Found:
    """A file that lists nothing which could be read: itself, with the reason."""
    return Found(live={FILE: _live(FILE, {"error": reason}, None)}, files={COMPOSE: digest} if digest else {})


def _recorded(mark: Mark, digest: str, inventory: Inventory) -> Found:
    """The bytes are those of the record, so its snapshots are what parsing them would give."""
    live = {}
    configs = {}
    for name, item in inventory.items.items():
        kind, _, short = name.partition("/")
        if kind != "config":
            same = item.snapshot is item.resource.body or item.snapshot == item.resource.body
            print_ = item.resource.fingerprint if same else fingerprint.of(item.snapshot)
            live[name] = Live(id=name, body=item.snapshot, fingerprint=print_, mark=mark)
        elif "unused" not in item.snapshot:
            configs[short] = item.snapshot.get("definition", definition(short))
    return Found(live=live, mark=mark, configs=configs, files={COMPOSE: digest})


def _parsed(document: Json, digest: str) -> Found:
    if not isinstance(document, dict):
        raise Broken("it is not a map of services, configs and so on")
    mark = mark_in(document)
    live = {}
    for kind, section in SECTIONS.items():
        things = document.get(section) or {}
        if not isinstance(things, dict):
            raise Broken(f"{section} is not a map")
        if kind != "config":
            for name, body in things.items():
                live[f"{kind}/{name}"] = _live(f"{kind}/{name}", _body(kind, body), mark)
    own = {key: value for key, value in document.items() if key != MARK and key not in SECTIONS.values()}
    live[FILE] = _live(FILE, own, mark)
    return Found(live=live, mark=mark, configs=document.get("configs") or {}, files={COMPOSE: digest})


def _body(kind: str, body: Json) -> Json:
    if body is None:
        return {}
    if kind == "secret":  # somebody may have put a value in place of a reference
        if not isinstance(body, dict):
            return {"error": _HIDDEN}
        return {word: value if word in _REFERENCE_WORDS else _HIDDEN for word, value in body.items()}
    return body


def _configs(folder: Folder | None, found: Found, inventory: Inventory) -> Iterator[tuple[str, Live]]:
    listed = found.configs or {}
    files = folder.names() if folder else []
    for name in sorted({*files, *listed}):
        resource = f"config/{name}"
        known = resource in inventory.items or name in listed
        body = _content(folder, name) if folder and name in files else {}
        if not known and folder and folder.is_folder(name):
            continue  # not what we write: a folder beside our files is somebody's
        if not body and resource in inventory.items:
            continue  # recorded and gone: it is missing, whatever the compose file still says of it
        if name not in listed:
            body |= {"unused": True} if found.configs is not None else {}
        elif listed[name] != definition(name):
            body["definition"] = listed[name] or {}
        elif not body:
            body["error"] = "the file is missing"
        yield resource, _live(resource, body, found.mark)


def _content(folder: Folder, name: str) -> dict[str, Json]:
    try:
        data = folder.read(name)
    except FileNotFoundError:
        return {}
    except OddFile as odd:
        return {"error": f"it is {odd}"}
    return body_of(data)


def body_of(data: bytes) -> dict[str, Json]:
    """A config's body: its content as a text, or as base64 where it is none."""
    try:
        return {"content": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _live(name: str, body: Json, mark: Mark | None) -> Live:
    return Live(id=name, body=body, fingerprint=fingerprint.of(body), mark=mark)
