"""Repository names as people write them, and the registry that each is asked at."""

import ipaddress
import re
from dataclasses import dataclass

from releaser.model.image import Image
from releaser.registry.places import Place, printable

HUB = "docker.io"
_HUB_NAMES = frozenset({HUB, "index.docker.io"})
_HUB_API = "registry-1.docker.io"
_HUB_LOGIN = "https://index.docker.io/v1/"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?\Z")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_LONGEST = 255


@dataclass(frozen=True)
class Repository:
    """A repository at a registry."""

    host: str  # as declared: `docker.io`, `registry.example.com:5000`
    path: str  # `library/redis`

    @property
    def api(self) -> str:
        """The host and port that speak the protocol."""
        return _HUB_API if self.host == HUB else self.host

    @property
    def login_key(self) -> str:
        """What a login is stored under in Docker's configuration."""
        return _HUB_LOGIN if self.host == HUB else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its very name."""
        return is_loopback(hostname(self.host))


def repository(image: Image) -> Repository:
    """Where an image is looked up. Raises InvalidDeclarations."""
    text = image.lookup
    place = Place(printable(text), Place.of(image).locations)
    host, path = _split(text)
    if "://" in text:
        raise place.invalid("is an address", "write it without https://, as in registry.example.com/shop/api")
    if "@" in text:
        raise place.invalid("has a digest in its name", "write the repository alone, and digest: beside it")
    if ":" in path:
        raise place.invalid("has a tag in its name", "write the repository alone: the tag is the release's name")
    if not _HOST.match(host):
        raise place.invalid(f"{printable(host)!r} is not the name of a registry", "write HOST[:PORT]/PATH")
    if not _PATH.match(path) or len(path) > _LONGEST:
        raise place.invalid(
            f"{printable(path)!r} is not the name of a repository",
            "use small letters and digits, separated by . _ - and /",
        )
    return Repository(host, path)


def check_tag(tag: str, place: Place) -> None:
    """Raises InvalidDeclarations for what no registry takes as a tag."""
    if not _TAG.match(tag):
        raise place.invalid(
            f"{printable(tag)!r} cannot be a tag: letters, digits and _ . - only, at most 128",
            "name the image's tag with release create RELEASE --image NAME=TAG",
        )


def is_tag(text: str) -> bool:
    """Whether a registry could have a tag of this name."""
    return _TAG.match(text) is not None


def hostname(host: str) -> str:
    """A host without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_loopback(name: str) -> bool:
    """Whether a host's name says that it is this machine, without asking anybody."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        if first in _HUB_NAMES:
            return HUB, rest if "/" in rest else f"library/{rest}"
        return first, rest
    return HUB, text if slash else f"library/{text}"
