"""What is mounted into a service's containers, in the words that were declared; pure."""

from collections.abc import Mapping, Sequence

from releaser.engines.moby import marks
from releaser.engines.swarm.container import MODE, OWNER
from releaser.engines.swarm.labels import Noted
from releaser.engines.swarm.templates import unescaped
from releaser.model.value import Json, JsonMap

_OPTIONS = {"Propagation": "propagation", "NoCopy": "nocopy", "Subpath": "subpath", "SizeBytes": "size"}


def mounts(found: Sequence[JsonMap], noted: Noted) -> dict[str, Json]:
    """Each mount under the name it was declared by, else under its target."""
    body: dict[str, Json] = {}
    for mount in found:
        target = unescaped(mount["Target"]) or mount["Target"]
        body[noted.mount_keys.get(target, target)] = _mount(mount)
    return body


def _mount(mount: JsonMap) -> dict[str, Json]:
    rest = dict(mount)
    kind = rest.pop("Type", "volume")
    found: dict[str, Json] = {"type": kind}
    for name, word in (("Target", "target"), ("Source", "source")):
        text = unescaped(rest.get(name) or "")
        if text:  # a template stays under its own name
            found[word] = text
            del rest[name]
    if rest.pop("ReadOnly", False):
        found["read_only"] = True
    options = dict(rest.pop(f"{kind.title()}Options", None) or {})
    if kind == "volume" and marks.NAME in (options.get("Labels") or {}):
        options.pop("Labels")  # the volume's own body has them
        options.pop("DriverConfig", None)
    said = {_OPTIONS.get(name, name): value for name, value in options.items() if value not in (None, "", {}, [])}
    if kind == "tmpfs" and "Mode" in said:
        said["mode"] = f"0{said.pop('Mode'):o}"
    if said:
        found[kind] = said
    return {**found, **{name: value for name, value in rest.items() if value not in (None, "", {}, [])}}


def files(found: Sequence[JsonMap], kind: str, names: Mapping[str, str]) -> dict[str, Json]:
    """Configs or secrets as files, each under the name it was declared by; others' under their own."""
    body: dict[str, Json] = {}
    for mounted in found:
        declared = names.get(mounted[f"{kind}ID"])
        real = mounted[f"{kind}Name"]
        file: JsonMap = mounted.get("File") or {}
        one: dict[str, Json] = {"target": file.get("Name", "")}
        if kind == "Config":
            one["name"] = declared or real
        one |= {word: file[name] for name, word in (("UID", "uid"), ("GID", "gid")) if file.get(name) != OWNER}
        if file.get("Mode") != MODE:
            one["mode"] = f"0{file.get('Mode', 0):o}"
        key = real if declared is None else declared.rsplit(".", 1)[0] if kind == "Config" else declared
        while key in body:
            key += "+"
        body[key] = one
    return body
