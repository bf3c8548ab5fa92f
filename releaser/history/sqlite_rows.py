"""The statements of the SQLite history; each runs within the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from releaser.history import chain, records
from releaser.history.chain import Fact, Link
from releaser.history.records import Blob
from releaser.history.sqlite_file import Connection
from releaser.model.delivery import Delivery, Step
from releaser.model.gate import Standing
from releaser.model.release import Release
from releaser.ports import DeliveryQuery, Holder, Lease

_STANDING = """
WITH proof AS (
    SELECT max(revision) AS revision FROM delivery
    WHERE environment = :environment AND version = :release AND status = 'succeeded'
), current AS (
    SELECT max(revision) AS revision FROM delivery
    WHERE environment = :environment AND current_version = :release
)
SELECT
    (SELECT revision FROM proof),
    (SELECT max(revision) FROM delivery WHERE environment = :environment AND leaves = :release AND cause = 'rollback'
        AND status = 'succeeded' AND revision > (SELECT revision FROM proof)),
    (SELECT body FROM delivery WHERE environment = :environment AND revision = (SELECT revision FROM current)),
    (SELECT body FROM delivery WHERE environment = :environment AND revision = (SELECT revision + 1 FROM current))
"""


def delivery(body: str) -> Delivery:
    """A delivery from its row."""
    return records.decode(Delivery, body, "a delivery")


def head(db: Connection, environment: str) -> Delivery | None:
    """The newest delivery."""
    row = db.execute(
        "SELECT body FROM delivery WHERE environment = ? ORDER BY revision DESC LIMIT 1", (environment,)
    ).fetchone()
    return delivery(row[0]) if row else None


def executed(db: Connection, plan_id: str) -> Delivery | None:
    """The delivery of a plan."""
    row = db.execute("SELECT body FROM delivery WHERE plan_id = ?", (plan_id,)).fetchone()
    return delivery(row[0]) if row else None


def heads(db: Connection) -> dict[str, Delivery]:
    """The newest delivery of every environment."""
    found = db.execute(
        "SELECT delivery.environment, delivery.body FROM delivery JOIN"
        " (SELECT environment, max(revision) AS revision FROM delivery GROUP BY environment) AS newest"
        " ON newest.environment = delivery.environment AND newest.revision = delivery.revision"
        " ORDER BY delivery.environment"
    )
    return {environment: delivery(body) for environment, body in found}


class Found(NamedTuple):
    """A delivery and the digests of what is stored of it, by the names in `records.BLOBS`."""

    delivery: Delivery
    digests: Mapping[str, str | None]


def revision(db: Connection, environment: str, number: int) -> Found:
    """One delivery; raises UnknownName."""
    row = db.execute(
        "SELECT body, plan, resources, base, definitions, inventory FROM delivery"
        " WHERE environment = ? AND revision = ?",
        (environment, number),
    ).fetchone()
    if row is None:
        raise records.unknown_revision(environment, number, head(db, environment))
    return Found(delivery(row[0]), dict(zip(records.BLOBS, row[1:], strict=True)))


def packed(db: Connection, digests: Mapping[str, str | None]) -> dict[str, bytes]:
    """What is stored under these five digests."""
    return dict(
        db.execute("SELECT digest, data FROM blob WHERE digest IN (?, ?, ?, ?, ?)", tuple(digests.values())).fetchall()
    )


def content(db: Connection, digest: str) -> bytes | None:
    """What is stored under one digest."""
    row = db.execute("SELECT data FROM blob WHERE digest = ?", (digest,)).fetchone()
    return row[0] if row else None


def steps(db: Connection, environment: str, number: int) -> tuple[Step, ...]:
    """The steps of a delivery, in order."""
    found = db.execute(
        "SELECT body FROM step WHERE environment = ? AND revision = ? ORDER BY number", (environment, number)
    )
    return tuple(records.decode(Step, body, f"a step of {environment}/{number}") for (body,) in found)


def deliveries(db: Connection, query: DeliveryQuery) -> tuple[Delivery, ...]:
    """What a query asks for, newest first."""
    where, values = _conditions(query)
    one = query.environments is not None and len(query.environments) == 1
    order = "revision DESC" if one else "position DESC, environment, revision DESC"
    statement = f"SELECT body FROM delivery{where} ORDER BY {order}"  # noqa: S608 - made of the words in here only
    if query.limit is not None:
        statement += " LIMIT ?"
        values.append(max(query.limit, 0))
    return tuple(delivery(body) for (body,) in db.execute(statement, values))


def _conditions(query: DeliveryQuery) -> tuple[str, list[str | int]]:
    tests: list[str] = []
    values: list[str | int] = []
    if query.environments is not None:
        tests.append(f"environment IN ({', '.join('?' * len(query.environments))})")
        values += query.environments
    for test, value in (
        ("version = ?", query.release),
        ("status = ?", query.status),
        ("cause = ?", query.trigger),
        ("revision < ?", query.before),
        ("revision > ?", query.after),
        ("rendered_digest <> ?", query.other_than),
    ):
        if value is not None:
            tests.append(test)
            values.append(value)
    return (" WHERE " + " AND ".join(tests) if tests else "", values)


def standing(db: Connection, environment: str, release: str) -> Standing:
    """How a release stands in an environment."""
    proven, rolled_back, newest, after = db.execute(
        _STANDING, {"environment": environment, "release": release}
    ).fetchone()
    current = delivery(newest).current if newest else None
    return Standing(
        environment=environment,
        proven=None if rolled_back else proven,
        rolled_back=rolled_back,
        since=current.since if current else None,
        until=delivery(after).started_at if after else None,
    )


def history(db: Connection) -> str | None:
    """The history's id; None before its creation."""
    row = db.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()
    return str(row[0]) if row else None


def set_history(db: Connection, name: str) -> None:
    """Give the history its id, once."""
    db.execute("INSERT INTO meta (name, value) VALUES ('id', ?)", (name,))


def releases(db: Connection) -> tuple[Release, ...]:
    """All, newest first."""
    found = db.execute("SELECT body FROM release ORDER BY seq DESC")
    return tuple(records.decode(Release, body, "a release") for (body,) in found)


def registered(db: Connection, version: str) -> Release | None:
    """The release of a version."""
    row = db.execute("SELECT body FROM release WHERE version = ?", (version,)).fetchone()
    return records.decode(Release, row[0], f"the release {version}") if row else None


def register(db: Connection, release: Release, logs: Sequence[Blob] = ()) -> Release:
    """The registered release, which this one becomes if there is none; raises ReleaseConflict."""
    known = registered(db, release.version)
    if known is not None:
        records.check_registered(known, release)
        return known
    for content in logs:
        put(db, content)
    event = append(db, chain.registered(release, logs))
    db.execute(
        "INSERT INTO release (version, seq, body) VALUES (?, ?, ?)",
        (release.version, event.seq, records.text(release)),
    )
    return release


def append(db: Connection, fact: Fact) -> Link:
    """Add the next event to the chain."""
    row = db.execute("SELECT seq, body, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    event = chain.link(Link(*row) if row else None, fact)
    db.execute("INSERT INTO event (seq, body, hash) VALUES (?, ?, ?)", event)
    return event


def put(db: Connection, content: Blob) -> None:
    """Store bytes, once."""
    if db.execute("SELECT 1 FROM blob WHERE digest = ?", (content.digest,)).fetchone() is None:
        db.execute("INSERT INTO blob (digest, data) VALUES (?, ?)", (content.digest, records.pack(content.data)))


def insert(db: Connection, begun: Delivery, blobs: Mapping[str, Blob]) -> None:
    """Write a new delivery, and what is stored of it."""
    for content in blobs.values():
        put(db, content)
    before = db.execute(
        "SELECT position FROM delivery WHERE environment = ? AND revision = ?", (begun.environment, begun.revision - 1)
    ).fetchone()
    row = records.columns(begun) | {name: content.digest for name, content in blobs.items()}
    row["position"] = records.position(begun, before[0] if before else None)
    db.execute(
        "INSERT INTO delivery (environment, revision, position, status, cause, version, plan_id, rendered_digest,"
        " leaves, current_version, body, plan, resources, base, definitions)"
        " VALUES (:environment, :revision, :position, :status, :cause, :version, :plan_id, :rendered_digest,"
        " :leaves, :current_version, :body, :plan, :resources, :base, :definitions)",
        row,
    )


def add_step(db: Connection, environment: str, number: int, step: Step) -> int:
    """Write a step; its number."""
    (count,) = db.execute(
        "SELECT count(*) FROM step WHERE environment = ? AND revision = ?", (environment, number)
    ).fetchone()
    db.execute(
        "INSERT INTO step (environment, revision, number, body) VALUES (?, ?, ?, ?)",
        (environment, number, count + 1, records.text(step)),
    )
    return int(count) + 1


def update(db: Connection, changed: Delivery, inventory: str | None) -> None:
    """Write what may change of a delivery."""
    row = records.columns(changed)
    db.execute(
        "UPDATE delivery SET status = ?, current_version = ?, body = ?, inventory = ?"
        " WHERE environment = ? AND revision = ?",
        (row["status"], row["current_version"], row["body"], inventory, changed.environment, changed.revision),
    )


def token(db: Connection, environment: str) -> int:
    """The newest token of an environment's lease; 0 where there was none."""
    row = db.execute("SELECT token FROM lease WHERE environment = ?", (environment,)).fetchone()
    return int(row[0]) if row else 0


def set_lease(db: Connection, lease: Lease) -> None:
    """Write who holds the lease."""
    db.execute(
        "INSERT INTO lease (environment, token, holder) VALUES (?, ?, ?)"
        " ON CONFLICT (environment) DO UPDATE SET token = excluded.token, holder = excluded.holder",
        (lease.environment, lease.token, records.text(lease.holder)),
    )


def lease(db: Connection, environment: str) -> Lease | None:
    """The lease that is held."""
    row = db.execute(
        "SELECT token, holder FROM lease WHERE environment = ? AND holder IS NOT NULL", (environment,)
    ).fetchone()
    if row is None:
        return None
    holder = records.decode(Holder, row[1], f"the lease of {environment}")
    return Lease(environment=environment, token=row[0], holder=holder)


def held(db: Connection) -> list[str]:
    """The environments whose lease is held."""
    found = db.execute("SELECT environment FROM lease WHERE holder IS NOT NULL ORDER BY environment")
    return [environment for (environment,) in found.fetchall()]


def let_go(db: Connection, lease: Lease) -> None:
    """Nobody holds the lease, if it was this one."""
    db.execute("UPDATE lease SET holder = NULL WHERE environment = ? AND token = ?", (lease.environment, lease.token))


def set_free(db: Connection, environment: str, newest: int) -> None:
    """Nobody holds the lease, and its token is a new one."""
    db.execute("UPDATE lease SET token = ?, holder = NULL WHERE environment = ?", (newest, environment))


class Everything:
    """All rows, for the audit."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def history(self) -> str | None:
        """The history's id."""
        return history(self._db)

    def events(self) -> Iterator[Link]:
        """The chain, in order."""
        return map(Link._make, self._db.execute("SELECT seq, body, hash FROM event ORDER BY seq"))

    def releases(self) -> Iterable[tuple[str, int, str]]:
        """Version, event, body."""
        return self._db.execute("SELECT version, seq, body FROM release")

    def deliveries(self) -> Iterator[dict[str, str | int | None]]:
        """Columns by name, in the order of environments and revisions."""
        cursor = self._db.execute("SELECT * FROM delivery ORDER BY environment, revision")
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    def steps(self) -> Iterable[tuple[str, int, int, str]]:
        """Environment, revision, number, body."""
        return self._db.execute("SELECT environment, revision, number, body FROM step")

    def blobs(self) -> Iterable[tuple[str, bytes]]:
        """Digest and packed bytes."""
        return self._db.execute("SELECT digest, data FROM blob")

    def tokens(self) -> Iterable[tuple[str, int]]:
        """Environment and newest token."""
        return self._db.execute("SELECT environment, token FROM lease")
