"""The whole error tree.

    ReleaseError
    ├── DeliveryFailed                     1    it did not get to run; what ran before may be back
    │   ├── ApplyFailed                         the engine refused a write
    │   ├── NotReady                            not ready within `wait`, or it ended
    │   └── VerifyFailed                        the declared command refused
    ├── BuildFailed                        1    a step of a build failed, or the image was not pushed
    ├── Refused                            3    a rule says no
    │   ├── GateRefused · NothingToRollBackTo · ReleaseConflict · AcceptRefused · SecretSourceChanged
    ├── LostRace                           4    somebody or something was faster
    │   ├── Locked · LeaseLost · StalePlan · ForeignTarget · TargetMoved
    ├── Unreachable                        5    an engine, a registry or the history
    │   ├── EngineUnreachable · RegistryUnreachable · HistoryUnreachable · HistoryCorrupt · HistoryTooNew
    │   └── KeyUnavailable                      a warning for those who can go on without fingerprints
    ├── Invalid                           64    what was given is wrong
    │   ├── InvalidDeclarations · UnknownName · ImageNotFound · PlatformMissing · BadArgument · SecretMissing
    ├── Interrupted                      130    stopped between two steps, on request
    └── InternalError                     70    a defect of ours

Edges translate the errors of their libraries into these; `cli.errors` alone turns them into exit codes.
"""

from collections.abc import Iterable

from releaser.model.value import Location, Value


class Problem(Value, frozen=True, kw_only=True):
    """One thing that is wrong: what, what to do next, and where."""

    code: str
    message: str
    hint: str | None = None
    locations: tuple[Location, ...] = ()


class ReleaseError(Exception):
    """Something a person has to know; `code` is stable, `hint` is the next thing to do."""

    code = "error"

    def __init__(self, message: str, hint: str | None = None, locations: Iterable[Location] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.locations = tuple(locations)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is printed: one problem, or several where they were found together."""
        return (Problem(code=self.code, message=self.message, hint=self.hint, locations=self.locations),)


class DeliveryFailed(ReleaseError):
    """A delivery did not reach a running state."""

    code = "delivery-failed"


class ApplyFailed(DeliveryFailed):
    """The engine refused a write, or a write did not read back equal."""

    code = "apply-failed"


class NotReady(DeliveryFailed):
    """Something was not ready within `wait`, or ended before."""

    code = "not-ready"


class VerifyFailed(DeliveryFailed):
    """The declared `verify` command refused or took too long."""

    code = "verify-failed"


class BuildFailed(ReleaseError):
    """A step of a build failed, or a registry did not take the image."""

    code = "build-failed"


class Refused(ReleaseError):
    """A rule says no."""

    code = "refused"


class GateRefused(Refused):
    """A gate does not let the release in."""

    code = "gate-refused"


class NothingToRollBackTo(Refused):
    """No earlier succeeded revision with other resources."""

    code = "nothing-to-roll-back-to"


class ReleaseConflict(Refused):
    """The version is registered with other digests."""

    code = "release-conflict"


class AcceptRefused(Refused):
    """Drift in an image digest or a secret is never accepted."""

    code = "accept-refused"


class SecretSourceChanged(Refused):
    """A recorded `exec` source is not today's declared one, so it is not run."""

    code = "secret-source-changed"


class LostRace(ReleaseError):
    """Somebody or something was faster."""

    code = "lost-race"


class Locked(LostRace):
    """Another holder delivers to the environment."""

    code = "locked"


class LeaseLost(LostRace):
    """The lease was taken over while we worked."""

    code = "lease-lost"


class StalePlan(LostRace):
    """What the plan rests on has moved."""

    code = "stale-plan"


class ForeignTarget(LostRace):
    """The target is delivered by another history or environment, or holds someone else's things under our names."""

    code = "foreign-target"


class TargetMoved(LostRace):
    """The environment's target is not the one of its newest delivery."""

    code = "target-moved"


class Unreachable(ReleaseError):
    """Something we need does not answer, or refuses our credentials."""

    code = "unreachable"


class EngineUnreachable(Unreachable):
    """The engine does not answer, or cannot be read or written."""

    code = "engine-unreachable"


class RegistryUnreachable(Unreachable):
    """A registry does not answer, refuses our credentials, or answers what cannot be believed."""

    code = "registry-unreachable"


class HistoryUnreachable(Unreachable):
    """The history cannot be opened, read or written."""

    code = "history-unreachable"


class HistoryCorrupt(Unreachable):
    """The history is not what was written to it."""

    code = "history-corrupt"


class HistoryTooNew(Unreachable):
    """The history was written by a newer version of this program."""

    code = "history-too-new"


class KeyUnavailable(Unreachable):
    """The key that secrets are fingerprinted with cannot be read or made: fingerprints are unknown."""

    code = "key-unavailable"


class Invalid(ReleaseError):
    """What was given is wrong."""

    code = "invalid"


class BadArgument(Invalid):
    """A command's arguments are off."""

    code = "bad-argument"


class UnknownName(Invalid):
    """No environment, release, revision, path or image has that name."""

    code = "unknown-name"


class ImageNotFound(Invalid):
    """The registry or layout has no such tag or digest."""

    code = "image-not-found"


class PlatformMissing(Invalid):
    """An image lacks a platform that the environment runs on."""

    code = "platform-missing"


class SecretMissing(Invalid):
    """A secret that the engine must be given has no value."""

    code = "secret-missing"


class InvalidDeclarations(Invalid):
    """Everything that is wrong with the declarations, found together."""

    code = "invalid-declarations"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = tuple(problems)
        first = self._problems[0]
        super().__init__(first.message, first.hint, first.locations)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order of the files and lines."""
        return self._problems


class Interrupted(ReleaseError):
    """Stopped on request, after the running step."""

    code = "interrupted"


class InternalError(ReleaseError):
    """A defect of ours."""

    code = "internal"
