"""One question to a registry: its requests, with retries, a login where one is asked for, and an end in time."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import tenacity

from releaser.model.environment import RegistrySettings
from releaser.registry.addresses import AddressRule
from releaser.registry.auth import Authorizer
from releaser.registry.logins import DockerLogins, LoginFailed
from releaser.registry.places import Place
from releaser.registry.references import Repository, hostname
from releaser.registry.transport import Answer, Deadline, Limits, NoAnswer, Request, Transport, origin

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another attempt may change."""


class _Busy(NoAnswer):
    """The registry answered that it cannot answer now."""

    def __init__(self, status: int, asked: float | None, longest: float) -> None:
        told = "too many requests (429)" if status == 429 else f"an error of its own ({status})"
        wait = "" if asked is None else f" and asks to wait {asked:.0f} s"
        again = asked is None or asked <= longest
        super().__init__(f"answers {told}{wait}", "wait and run the command again", again=again)
        self.asked = asked or 0.0


@dataclass(frozen=True)
class Registry:
    """A registry that can be asked, with what it has told us so far."""

    base: str  # scheme, host and port
    transport: Transport
    authorizer: Authorizer
    limits: Limits

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - everything that a registry is made of, in one place
        cls,
        where: Repository,
        settings: RegistrySettings,
        ca: Path | None,
        logins: DockerLogins,
        limits: Limits,
        place: Place,
    ) -> "Registry":
        """The registry of a repository. Raises InvalidDeclarations where its `ca` cannot be used."""
        if ca is not None:
            _check_authority(ca, settings, place)
        plain = settings.insecure or (where.is_loopback and ca is None)
        return cls(
            base=f"{'http' if plain else 'https'}://{where.api}",
            transport=Transport(AddressRule(hostname(where.api).lower()), ca, limits),
            authorizer=Authorizer(logins, settings.auth, secure=not plain),
            limits=limits,
        )


class Conversation:
    """The requests that answer one question about one repository."""

    def __init__(self, registry: Registry, repository: Repository, place: Place) -> None:
        self.place = place
        self._registry = registry
        self._repository = repository
        self._deadline = Deadline(registry.limits.total)

    def briefly(self) -> "Conversation":
        """The same, for what is nice to know: nobody waits long for it."""
        brief = Conversation(self._registry, self._repository, self.place)
        brief._deadline = self._deadline.sooner(self._registry.limits.courtesy)
        return brief

    def again(self) -> "Conversation":
        """The same with all its time: one question more."""
        return Conversation(self._registry, self._repository, self.place)

    def piece(self, path: str, first: int, last: int) -> Answer:
        """The bytes `first` to `last` of a path, of which a server may send all. Raises RegistryUnreachable."""
        return self.ask("GET", path, headers={"Range": f"bytes={first}-{last}"})

    def ask(self, method: str, path: str, accept: str = "*/*", *, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer for a path below the repository, a login shown if need be. Raises RegistryUnreachable.

        Every status that is not about logins, redirects or bad times is the caller's; so is a HEAD refused with 403.
        """
        url = f"{self._registry.base}/v2/{self._repository.path}/{path}"
        try:
            return self._authorized(method, url, {"Accept": accept, **(headers or {})})
        except NoAnswer as error:
            hint = f"check that {self._repository.host} is up and reachable from here, then run the command again"
            raise self.place.unreachable(f"the registry {error.reason}", error.hint or hint) from error
        except LoginFailed as error:
            raise self.place.unreachable(error.reason, error.hint) from error

    def _authorized(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        authorizer = self._registry.authorizer
        answer = self._shown(method, url, headers, authorizer.known(self._repository))
        if answer.status == 401 and answer.origin == origin(url):
            offered = answer.headers.get("www-authenticate", "")
            header = authorizer.answer(self._repository, offered, self._send)
            answer = self._shown(method, url, headers, header)
        if answer.status in {401, 403} and answer.origin != origin(url):
            host = urlsplit(answer.origin).hostname
            raise NoAnswer(f"sends us to {host}, which answers {answer.status}", "run the command again")
        if answer.status == 400 and self._registry.base.startswith("http:") and b"HTTPS" in answer.body:
            raise NoAnswer("speaks TLS and was asked without", f"registries: {{{self._repository.host}: {{ca: FILE}}}}")
        if answer.status == 401 or (answer.status == 403 and method != "HEAD"):
            raise authorizer.refused(self._repository)
        return answer

    def _shown(self, method: str, url: str, headers: Mapping[str, str], authorization: str | None) -> Answer:
        if authorization is not None:
            headers = {**headers, "Authorization": authorization}
        return self._send(Request(method=method, url=url, headers=headers))

    def _send(self, request: Request) -> Answer:
        limits = self._registry.limits
        spread = tenacity.wait_exponential(limits.pause, max=limits.longest_pause) + tenacity.wait_random(
            0, limits.pause
        )

        def pause(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return max(spread(state), error.asked if isinstance(error, _Busy) else 0.0)

        def enough(state: tenacity.RetryCallState) -> bool:
            return state.attempt_number >= limits.attempts or state.upcoming_sleep >= self._deadline.left

        retrying = tenacity.Retrying(
            wait=pause, stop=enough, retry=tenacity.retry_if_exception(_may_help), reraise=True
        )
        return retrying(self._once, request)

    def _once(self, request: Request) -> Answer:
        answer = self._registry.transport.send(request, self._deadline)
        if answer.status in _PASSING:
            raise _Busy(answer.status, _asked_pause(answer), self._registry.limits.longest_pause)
        return answer


def _may_help(error: BaseException) -> bool:
    return isinstance(error, NoAnswer) and error.again


def _asked_pause(answer: Answer) -> float | None:
    """Retry-After in seconds; None where it is not said or cannot be read."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _check_authority(ca: Path, settings: RegistrySettings, place: Place) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca)
    except ssl.SSLError as error:
        raise place.invalid(f"ca: {settings.ca} has no certificate in PEM form", "correct registries:") from error
    except OSError as error:
        raise place.invalid(f"ca: {settings.ca} cannot be read: {error.strerror}", "correct registries:") from error
