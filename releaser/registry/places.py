"""Where an image is looked up, as errors name it: the repository or layout, and its line in the pipeline."""

import re
from dataclasses import dataclass

from releaser.model.errors import ImageNotFound, InvalidDeclarations, Problem, RegistryUnreachable
from releaser.model.image import Image
from releaser.model.value import Location
from releaser.planning.wording import listed, nearest

_SHOWN_TAGS = 5
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True)
class Place:
    """What a failure is about; every error of this package is made here."""

    name: str
    locations: tuple[Location, ...] = ()

    @classmethod
    def of(cls, image: Image) -> "Place":
        """The place of a declared image."""
        return cls(image.lookup, (image.location,) if image.location else ())

    def unreachable(self, why: str, hint: str) -> RegistryUnreachable:
        """It does not answer, refuses us, or answers what cannot be believed."""
        return RegistryUnreachable(f"{self.name}: {why}", hint, self.locations)

    def not_found(self, why: str, hint: str) -> ImageNotFound:
        """It has no such tag or digest."""
        return ImageNotFound(f"{self.name}: {why}", hint, self.locations)

    def no_tag(self, tag: str, known: list[str]) -> ImageNotFound:
        """It has no such tag, but others."""
        near = nearest(tag, known)
        shown = sorted(known)[-_SHOWN_TAGS:]
        more = "" if len(known) <= _SHOWN_TAGS else f"the last of {len(known)}: "
        meant = f"did you mean {near}? " if near else ""
        hint = f"{meant}it has {more}{listed(shown)}" if known else "it has no tags: push the image first"
        return self.not_found(f"has no tag {tag}", hint)

    def invalid(self, why: str, hint: str) -> InvalidDeclarations:
        """What was declared cannot be used."""
        problem = Problem(
            code=InvalidDeclarations.code, message=f"{self.name}: {why}", hint=hint, locations=self.locations
        )
        return InvalidDeclarations([problem])


def printable(text: str, limit: int = 120) -> str:
    """Foreign text as one printable word: everything outside ASCII's visible part becomes `?`, a long text is cut."""
    cut = text if len(text) <= limit else text[:limit] + "..."
    return _NOT_PRINTABLE.sub("?", cut)
