"""The images of a Compose project: where each is, what its tag is now, and which ones are built from its files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from releaser.imports.forms import text_of
from releaser.imports.project import Project
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, refused
from releaser.model.errors import BadArgument
from releaser.model.value import Location
from releaser.planning.wording import listed

PLACEHOLDER = "registry.example.com"

_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_HOST}(?:/{_PART})+\Z")
_REFERENCE = re.compile(
    r"(?P<repository>[^@]+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class ImportedImage:
    """One image as the pipeline will have it."""

    name: str
    repository: str
    tag: str | None  # what runs now; None where it is pinned, or built and never named
    digest: str | None
    place: Location
    built: bool  # from the project's own files
    placeholder: bool  # the repository has to be written by a person


def images(project: Project, elsewhere: Mapping[str, str]) -> Mapping[str, ImportedImage]:
    """Service → its image; services that run the same one share it. `elsewhere` has the repositories that were told.

    Raises InvalidDeclarations, and BadArgument for a repository of an image that there is not.
    """
    found = {name: _image(name, service, project.name) for name, service in project.services.items()}
    users: dict[tuple[str, str | None, str | None], list[str]] = {}
    for service, image in found.items():
        users.setdefault((image.repository, image.tag, image.digest), []).append(service)
    names = _names(users)
    strangers = sorted(set(elsewhere) - set(names.values()))
    if strangers:
        raise BadArgument(f"there is no image {listed(strangers)}", hint=f"there is {listed(sorted(names.values()))}")
    return {
        service: _called(image, names[image.repository, image.tag, image.digest], elsewhere)
        for service, image in found.items()
    }


def _called(image: ImportedImage, name: str, elsewhere: Mapping[str, str]) -> ImportedImage:
    told = elsewhere.get(name)
    return replace(
        image, name=name, repository=told or image.repository, placeholder=image.placeholder and told is None
    )


def _names(
    users: Mapping[tuple[str, str | None, str | None], list[str]],
) -> dict[tuple[str, str | None, str | None], str]:
    """A name for each image: its service's where one runs it alone, else its repository's last part."""
    names: dict[tuple[str, str | None, str | None], str] = {}
    for image, services in users.items():
        wished = services[0] if len(services) == 1 else image[0].rpartition("/")[2]
        names[image] = free(wished, names.values())
    return names


def free(wished: str, taken: Iterable[str]) -> str:
    """The name, or one with a number that nobody has."""
    known = set(taken)
    name = _NAME.sub("-", wished).strip("-._")[:60] or "app"
    number = 2
    while name in known:
        name, number = f"{_NAME.sub('-', wished)[:56]}-{number}", number + 1
    return name


def _image(service: str, node: Node, project: str) -> ImportedImage:
    declared = at(node, "image")
    built = at(node, "build") is not None
    if declared is None and not built:
        raise refused(f"the service `{service}` has neither `image` nor `build`", "write its `image`", node.place)
    text = text_of(declared) if declared is not None else Text.of("")
    place = declared.place if declared is not None else node.key_place("build")
    if not text.plain and built:
        return _stub(service, project, place)
    found = _REFERENCE.match(text.plain)
    repository = full(found["repository"]) if found else ""
    if found is None or not _REPOSITORY.match(repository):
        raise _refused(text, place)
    if built and "/" not in found["repository"]:  # a name for what is built here: no registry has it under that name
        return _stub(service, project, place, found["repository"], found["tag"])
    return ImportedImage(
        name=service,
        repository=repository,
        tag=None if found["digest"] else found["tag"] or "latest",
        digest=found["digest"],
        place=place,
        built=built,
        placeholder=False,
    )


def _stub(service: str, project: str, place: Location, name: str = "", tag: str | None = None) -> ImportedImage:
    last = re.sub(r"[^a-z0-9]+", "-", (name or service).lower()).strip("-") or "app"
    group = re.sub(r"[^a-z0-9]+", "-", project).strip("-") or "app"
    return ImportedImage(
        name=service,
        repository=f"{PLACEHOLDER}/{group}/{last}",
        tag=tag,
        digest=None,
        place=place,
        built=True,
        placeholder=True,
    )


def full(repository: str) -> str:
    """A repository with its registry: `redis` is docker.io/library/redis."""
    host, slash, _ = repository.partition("/")
    if not slash:
        return f"docker.io/library/{repository}"
    return repository if "." in host or ":" in host or host == "localhost" else f"docker.io/{repository}"


def _refused(text: Text, place: Location) -> Exception:
    unset = [variable.name for variable in text.variables if not variable.value]
    if unset:
        hint = f"say what it is: --var {unset[0]}=VALUE"
        return refused(f"the image `{text.plain}` lacks the value of {', '.join(unset)}", hint, place)
    return refused(f"`{text.plain}` is no image", "write it as repository:tag", place)
