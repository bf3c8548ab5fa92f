"""The documents that the reading verbs print; those of deliveries stand with the values they are made of."""

from collections.abc import Mapping
from typing import Annotated

from releaser.model.delivery import DeliveryStatus, ResourceBody
from releaser.model.environment import ChainLink
from releaser.model.errors import Problem
from releaser.model.image import Digest
from releaser.model.release import Release
from releaser.model.resource import Ready
from releaser.model.value import Document, Json, Location, Time, Value, one_of


class ErrorReport(Document, frozen=True, kw_only=True, tag="releaser/error/v1"):
    """What went wrong, where, and what to do."""

    errors: tuple[Problem, ...]


class HeadState(Value, frozen=True, kw_only=True):
    """The newest delivery, as status shows it."""

    revision: int
    status: DeliveryStatus
    cut_off: bool = False  # it is `running`, and its holder died


class CurrentState(Value, frozen=True, kw_only=True):
    """What is known to run, and since when."""

    revision: int
    release: str
    since: Time


class ServiceState(Value, frozen=True, kw_only=True):
    """One service of what is known to run; `ready` only where it was looked at."""

    image: str
    digest: Digest | None
    ready: Ready | None = None


class DriftState(Value, frozen=True, kw_only=True):
    """Whether an environment drifted, when it was looked at."""

    state: Annotated[str, one_of("none", "some", "unknown")]
    checked_at: Time


class EnvironmentStatus(Value, frozen=True, kw_only=True):
    """One environment's line of the status."""

    environment: str
    engine: str | None
    head: HeadState | None = None
    current: CurrentState | None = None
    services: Mapping[str, ServiceState] = {}
    drift: DriftState | None = None
    error: str | None = None


class Status(Document, frozen=True, kw_only=True, tag="releaser/status/v1"):
    """Services and environments, in pipeline order."""

    environments: tuple[EnvironmentStatus, ...]


class FieldDifference(Value, frozen=True, kw_only=True):
    """One path at which two configurations differ."""

    path: str
    left: Json
    right: Json
    left_origin: Location | None = None
    right_origin: Location | None = None
    secret: bool = False


class Difference(Document, frozen=True, kw_only=True, tag="releaser/diff/v1"):
    """Two environments' effective configuration, or two deliveries' resources, field by field."""

    left: str
    right: str
    fields: tuple[FieldDifference, ...]


class Explanation(Document, frozen=True, kw_only=True, tag="releaser/explanation/v1"):
    """One value and the chain of layers that made it, the winner last."""

    environment: str
    path: str
    value: Json
    chain: tuple[ChainLink, ...]


class RenderedResources(Document, frozen=True, kw_only=True, tag="releaser/render/v1"):
    """The resources as the engine would get them."""

    environment: str
    release: str
    rendered_digest: Digest
    resources: tuple[ResourceBody, ...]
    warnings: tuple[str, ...] = ()


class Validation(Document, frozen=True, kw_only=True, tag="releaser/validation/v1"):
    """The declarations that were read and found right."""

    environments: tuple[str, ...]
    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Reached(Value, frozen=True, kw_only=True):
    """How far a release has come in one environment."""

    environment: str
    proven: bool
    current: bool
    revision: int | None  # its newest succeeded delivery there


class RegisteredRelease(Value, frozen=True, kw_only=True):
    """A release and how far it has come, in pipeline order."""

    release: Release
    reached: tuple[Reached, ...]


class Releases(Document, frozen=True, kw_only=True, tag="releaser/releases/v1"):
    """What is registered, newest first."""

    releases: tuple[RegisteredRelease, ...]


class LockState(Value, frozen=True, kw_only=True):
    """Who delivers to an environment; `alive` is False where the holder died without letting go."""

    environment: str
    actor: str
    host: str
    process: int
    verb: str
    since: Time
    alive: bool


class Locks(Document, frozen=True, kw_only=True, tag="releaser/locks/v1"):
    """Who delivers now; after `break`, whom the lease was taken from."""

    locks: tuple[LockState, ...]


class Setting(Value, frozen=True, kw_only=True):
    """One setting, its value, and what it comes from."""

    name: str
    value: str
    origin: str  # flag | RELEASE_… | envs/pipeline.yaml | user settings | default


class Check(Value, frozen=True, kw_only=True):
    """One thing that doctor looked at."""

    check: str
    passed: bool | None  # None: could not be told
    detail: str
    hint: str | None = None


class Examination(Document, frozen=True, kw_only=True, tag="releaser/doctor/v1"):
    """The settings with their origins, and whether engines, registries and the history answer."""

    settings: tuple[Setting, ...]
    checks: tuple[Check, ...]


class LeftOut(Value, frozen=True, kw_only=True):
    """What a line of a Compose file says and has no place in the declarations."""

    location: Location
    paths: tuple[str, ...]  # several where services share the line
    why: str
    harmless: bool = False  # nothing runs otherwise without it


class ImportedSecret(Value, frozen=True, kw_only=True):
    """A secret that a Compose file has in clear: the declarations refer to it, its value stays where it is."""

    name: str
    variable: str  # of the environment that `release` runs in
    used: Location
    value_at: str | None  # where the value is now, as in `.env:3`; None where nowhere
    template: str | None = None  # what it is made of, where it is more than one variable's value


class Started(Document, frozen=True, kw_only=True, tag="releaser/init/v1"):
    """The files that `init` wrote; and what it made of the Compose files it began with."""

    files: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    refused: tuple[Problem, ...] = ()  # what plain Docker does not do, and is written all the same
    secrets: tuple[ImportedSecret, ...] = ()
    placeholders: tuple[str, ...] = ()  # images whose repository has to be written
    create: str | None = None  # the command that registers what runs now as a release


class Version(Document, frozen=True, kw_only=True, tag="releaser/version/v1"):
    """This program and what it runs on."""

    version: str
    python: str
    platform: str
