"""The audit: the chain of events recomputed, and everything that is recorded compared with it."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from releaser.history import chain
from releaser.history.chain import Entry, Fact, Link
from releaser.history.records import BLOBS, columns, decode, position, unpack
from releaser.model.delivery import Delivery
from releaser.model.errors import HistoryCorrupt
from releaser.planning.fingerprint import of_bytes
from releaser.ports import ChainCheck

Row = Mapping[str, str | int | None]


class Rows(Protocol):
    """Everything that a history holds."""

    def history(self) -> str | None:
        """The history's id."""

    def events(self) -> Iterable[Link]:
        """The chain, in order."""

    def releases(self) -> Iterable[tuple[str, int, str]]:
        """Version, event, body."""

    def deliveries(self) -> Iterable[Row]:
        """Columns by name, in the order of environments and revisions."""

    def steps(self) -> Iterable[tuple[str, int, int, str]]:
        """Environment, revision, number, body."""

    def blobs(self) -> Iterable[tuple[str, bytes]]:
        """Digest and packed bytes."""

    def tokens(self) -> Iterable[tuple[str, int]]:
        """Environment and newest token."""


def audit(rows: Rows) -> ChainCheck:
    """The first bad event of the chain; else the first event that what is recorded disagrees with.

    What no event vouches for counts as an event that is missing at the end.
    """
    promises = Promises()
    last: Link | None = None
    for event in rows.events():
        wrong = _broken(last, event) or promises.take(event)
        if wrong:
            return ChainCheck(
                events=last.seq if last else 0,
                head=last.hash if last else None,
                broken_at=last.seq + 1 if last else 1,
                message=wrong,
            )
        last = event
    findings = Findings(last.seq + 1 if last else 1)
    _compare(rows, promises, findings)
    return ChainCheck(
        events=last.seq if last else 0,
        head=last.hash if last else None,
        broken_at=findings.first,
        message=findings.message,
    )


def _broken(last: Link | None, event: Link) -> str | None:
    number = last.seq + 1 if last else 1
    if event.seq != number:
        return f"event {number} is missing"
    if not isinstance(event.body, str) or chain.hash_of(last.hash if last else None, event.body) != event.hash:
        return f"event {number} was changed, or one before it was put in or taken out"
    return None


class Promised:
    """What events say about one row: its digests, and the newest event that says so."""

    __slots__ = ("digests", "seq")

    def __init__(self, seq: int, digests: Mapping[str, str]) -> None:
        self.seq = seq
        self.digests = dict(digests)


class Promises:
    """What the chain says that the history holds."""

    def __init__(self) -> None:
        self.history: str | None = None
        self.releases: dict[str, Promised] = {}
        self.deliveries: dict[tuple[str, int], Promised] = {}
        self.steps: dict[tuple[str, int, int], Promised] = {}
        self.blobs: dict[str, int] = {}
        self.tokens: dict[str, Promised] = {}
        self.token: dict[str, int] = {}
        self.newest: dict[str, int] = {}

    def take(self, event: Link) -> str | None:
        """Read one event; what is wrong with it, if anything."""
        try:
            entry = decode(Entry, event.body, f"event {event.seq}")
        except HistoryCorrupt as error:
            return error.message
        fact = entry.fact
        if entry.seq != event.seq or (event.seq == 1) != (fact.kind == chain.CREATED):
            return f"event {event.seq} does not belong there"
        return self._order(fact, event.seq) or self._contents(fact, event.seq)

    def _order(self, fact: Fact, seq: int) -> str | None:
        place = fact.environment or ""
        if fact.token is not None:
            if fact.token < self.token.get(place, 0):
                return f"event {seq} was written under an old lease of {place}"
            self.token[place] = fact.token
            self.tokens[place] = Promised(seq, {})
        if fact.kind == chain.BEGUN:
            if fact.revision != self.newest.get(place, 0) + 1:
                return f"event {seq} begins revision {fact.revision} of {place} out of order"
            self.newest[place] = fact.revision
        elif fact.revision is not None and fact.revision != self.newest.get(place):
            return f"event {seq} changes {place}/{fact.revision}, which is not the newest"
        return None

    def _contents(self, fact: Fact, seq: int) -> str | None:
        place, revision = fact.environment or "", fact.revision or 0
        if fact.kind == chain.CREATED:
            self.history = str(fact.details.get("history"))
        elif fact.kind == chain.REGISTERED:
            self.releases[str(fact.details.get("version"))] = Promised(seq, fact.digests)
            for name, digest in fact.digests.items():
                if name.startswith("log"):
                    self.blobs.setdefault(digest, seq)
        elif fact.kind == chain.STEPPED:
            self.steps[place, revision, int(fact.details.get("number", 0))] = Promised(seq, fact.digests)
        elif fact.kind in {chain.BEGUN, chain.RESUMED, chain.FINISHED}:
            promised = self.deliveries.setdefault((place, revision), Promised(seq, {}))
            promised.seq = seq
            promised.digests.update(fact.digests)
            if fact.kind == chain.RESUMED:
                promised.digests.pop("inventory", None)
            for name in BLOBS:
                if name in fact.digests:
                    self.blobs.setdefault(fact.digests[name], seq)
        return None


class Findings:
    """The finding at the earliest event."""

    def __init__(self, nowhere: int) -> None:
        self._nowhere = nowhere
        self.first: int | None = None
        self.message: str | None = None

    def add(self, message: str, promised: Promised | int | None = None) -> None:
        """Something is wrong with what an event vouches for, or what none does."""
        seq = promised.seq if isinstance(promised, Promised) else promised or self._nowhere
        if self.first is None or seq < self.first:
            self.first, self.message = seq, message


def _compare(rows: Rows, promises: Promises, findings: Findings) -> None:
    if rows.history() != promises.history:
        findings.add("the history's id was changed", 1)
    _compare_releases(rows, promises, findings)
    _compare_deliveries(rows, promises, findings)
    _compare_steps(rows, promises, findings)
    _compare_blobs(rows, promises, findings)
    newest = dict(rows.tokens())
    for environment, promised in promises.tokens.items():
        if newest.get(environment, 0) < promises.token[environment]:
            findings.add(f"the lease of {environment} was set back", promised)


def _compare_releases(rows: Rows, promises: Promises, findings: Findings) -> None:
    left = dict(promises.releases)
    for version, seq, body in rows.releases():
        promised = left.pop(version, None)
        if promised is None:
            findings.add(f"no event registers the release {version}")
        elif promised.seq != seq or _digest(body) != promised.digests["release"]:
            findings.add(f"the release {version} was changed", promised)
    for version, promised in left.items():
        findings.add(f"the release {version} is missing", promised)


def _compare_deliveries(rows: Rows, promises: Promises, findings: Findings) -> None:
    left = dict(promises.deliveries)
    before: tuple[str, str | None] = ("", None)
    for row in rows.deliveries():
        environment, revision = str(row["environment"]), int(row["revision"] or 0)
        at = f"{environment}/{revision}"
        promised = left.pop((environment, revision), None)
        if promised is None:
            findings.add(f"no event begins {at}")
            continue
        previous = before[1] if before[0] == environment else None
        if not _kept(row, promised, previous):
            findings.add(f"the delivery {at} was changed", promised)
        before = (environment, str(row["position"]))
    for (environment, revision), promised in left.items():
        findings.add(f"the delivery {environment}/{revision} is missing", promised)


def _kept(row: Row, promised: Promised, previous: str | None) -> bool:
    if _digest(row["body"]) != promised.digests["delivery"]:
        return False
    try:
        delivery = decode(Delivery, str(row["body"]), "a delivery")
    except HistoryCorrupt:
        return False
    wanted = {**columns(delivery), "position": position(delivery, previous), "body": row["body"]}
    wanted.update({name: promised.digests.get(name) for name in BLOBS})
    return all(row[name] == value for name, value in wanted.items())


def _compare_steps(rows: Rows, promises: Promises, findings: Findings) -> None:
    left = dict(promises.steps)
    for environment, revision, number, body in rows.steps():
        promised = left.pop((environment, revision, number), None)
        if promised is None:
            findings.add(f"no event made step {number} of {environment}/{revision}")
        elif _digest(body) != promised.digests["step"]:
            findings.add(f"step {number} of {environment}/{revision} was changed", promised)
    for (environment, revision, number), promised in left.items():
        findings.add(f"step {number} of {environment}/{revision} is missing", promised)


def _compare_blobs(rows: Rows, promises: Promises, findings: Findings) -> None:
    left = dict(promises.blobs)
    for digest, packed in rows.blobs():
        seq = left.pop(digest, None)
        if seq is None:
            findings.add(f"no event knows the content {digest}")
            continue
        try:
            unpack(digest, packed)
        except HistoryCorrupt as error:
            findings.add(error.message, seq)
    for digest, seq in left.items():
        findings.add(f"the content {digest} is missing", seq)


def _digest(body: str | int | None) -> str:
    return of_bytes(body.encode()) if isinstance(body, str) else ""
