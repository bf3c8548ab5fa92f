"""Code packages as they are used: what an archive has, its names and links below its own folder."""

import posixpath
from collections import deque
from collections.abc import Iterator, Mapping
from typing import IO

import msgspec

from releaser.builders.entries import LONGEST, Harmful, Member, entries
from releaser.model.build import Package
from releaser.model.errors import BadArgument
from releaser.planning.redact import printable

_MOST_LINKS = 40  # on the way to one file, as Linux has it
_LFS = b"version https://git-lfs.github.com/spec/"


def members(file: IO[bytes], package: Package) -> list[Member]:
    """What a package has, by name, below its folder. Raises BadArgument where it is no archive, or means harm."""
    own = "make it anew: a tar or zip of files, folders and links"
    hint = own if package.git is None else "name a folder without it as `path`, or build of a `context` instead"
    try:
        found = _found(file, package)
        _refuse_places(found)
    except Harmful as error:
        raise BadArgument(f"the package {package.place} {error}", hint=hint) from error
    except Exception as error:
        # Only foreign bytes are read here, and for each way to damage them Python's modules have an error of their own.
        why = printable(str(error)) or type(error).__name__
        raise BadArgument(f"the package {package.place} is no archive that can be read: {why}", hint=hint) from error
    return [found[name] for name in sorted(found)]


def _found(file: IO[bytes], package: Package) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for member in entries(file):
        name = _inside(member.name, package)
        if name is None:
            continue
        if name in found and not (member.is_folder and found[name].is_folder):
            raise Harmful(f"has {printable(name)} twice")
        if package.git is not None and (member.data or b"").startswith(_LFS):
            raise Harmful(f"has {printable(name)}, which Git LFS keeps elsewhere")
        found[name] = msgspec.structs.replace(member, name=name)
    if not found:
        raise Harmful("has nothing in it" + (f" below {package.leading} folders" if package.leading else ""))
    return found


def _inside(name: str, package: Package) -> str | None:
    """The name below the package's folder; None where `strip` leaves nothing of it."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or "\\" in name or printable(name) != name:
        raise Harmful(f"has {printable(name)}, which leads out of its folder, or cannot be shown")
    return "/".join(parts[package.leading :]) or None


def _refuse_places(found: Mapping[str, Member]) -> None:
    """Nothing is below a file or a link, and no link leads out. Raises Harmful."""
    for name, member in found.items():
        above = next((found[one] for one in _above(name) if one in found and not found[one].is_folder), None)
        if above is not None:
            raise Harmful(f"has {printable(name)} below a {'file' if above.link is None else 'link'}")
        link = member.link or ""
        if printable(link) != link or len(link) > LONGEST or not _stays_inside(name, found):
            raise Harmful(f"has the link {printable(name)}, which leads out of its folder, or cannot be shown")


def _stays_inside(name: str, found: Mapping[str, Member]) -> bool:
    """Whether it, or the place that it is a link to, is in the package; by way of links, as a system goes it."""
    at, ahead, links = "", deque(name.split("/")), 0
    while ahead:
        part = ahead.popleft()
        if part == "..":
            if not at:
                return False
            at = posixpath.dirname(at)
        elif part not in {"", "."}:
            at = f"{at}/{part}" if at else part
            link = found[at].link if at in found else None
            if link is not None:
                if link.startswith("/"):
                    return False
                links += 1
                if links > _MOST_LINKS:
                    return True  # a circle leads nowhere
                at = posixpath.dirname(at)
                ahead.extendleft(reversed(link.split("/")))
    return True


def _above(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
