"""Images, secrets, declarations, and the rest of the world."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from releaser.model.delivery import DeclarationSource
from releaser.model.environment import Environment, Pipeline, Verify
from releaser.model.errors import Problem
from releaser.model.image import Image, Platforms, Resolved
from releaser.model.resource import (
    SecretPrint,
)
from releaser.model.value import JsonMap
from releaser.ports.progress import Stop


class ImageRegistry(Protocol):
    """Where tags become digests. Raises RegistryUnreachable, ImageNotFound, InvalidDeclarations (a bad reference)."""

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The digest that the tag has now, an index where there is one."""

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest with its platforms."""

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is there: its platforms."""


class RegistryLogins(Protocol):
    """The logins that an engine pulls with."""

    def header(self, host: str) -> str | None:
        """The value of X-Registry-Auth for a registry, None where no login is known. Raises RegistryUnreachable."""


class SecretSource(Protocol):
    """Where secrets come from."""

    def read(self, name: str, definition: JsonMap) -> bytes:
        """The value. Raises SecretMissing, without the value in any message."""

    def known(self) -> tuple[bytes, ...]:
        """Every value read so far, so that texts of others can be masked."""


class FingerprintKey(Protocol):
    """The key that secrets are fingerprinted with; never in the history."""

    @property
    def id(self) -> str:
        """The key's id: what tells two keys apart, and nothing more."""

    def sign(self, environment: str, name: str, value: bytes) -> SecretPrint:
        """The fingerprint of a value."""


class Verifier(Protocol):
    """Runs the declared `verify` command."""

    def run(self, verify: Verify, variables: Mapping[str, str], stop: Stop) -> None:
        """Raises VerifyFailed with the command's last words."""


class Declarations(Protocol):
    """The project's `envs/`. Raises InvalidDeclarations, with every problem found."""

    def pipeline(self) -> Pipeline:
        """What is delivered, in which order, under which rules."""

    def environment(self, name: str) -> Environment:
        """Resolved. Raises UnknownName."""

    def files(self, name: str) -> tuple[str, ...]:
        """The files that the environment rests on, mounted ones too, relative to the root."""

    def problems(self, names: Sequence[str]) -> tuple[Problem, ...]:
        """Every error of every file of these environments; empty where all is well."""


class SourceControl(Protocol):
    """The version control that the declarations are kept in."""

    def describe(self, files: Sequence[str]) -> DeclarationSource | None:
        """The commit, and whether any of these files (relative to the root) differ from it; None outside one."""

    def origin(self) -> str | None:
        """Where others have the same repository, as a URL without a login; None where that is not known."""

    def commit(self, revision: str, repository: str | None, tell: Callable[[str], None]) -> str:
        """What a revision names here, or in another repository, which is fetched. Raises BadArgument, BuildFailed."""
