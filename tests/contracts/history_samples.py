"""Values that histories are tested with: small, whole, and different where they say so."""

from datetime import UTC, datetime, timedelta

from releaser.model.delivery import Current, DeclarationSource, Intent, Outcome, Step
from releaser.model.image import ReleaseImage
from releaser.model.plan import Change, Plan, Target
from releaser.model.release import Release, ReleaseSource
from releaser.model.resource import EMPTY, Inventory, InventoryItem, Resource, SecretPrint
from releaser.planning import fingerprint
from releaser.ports import Holder

START = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)


class FixedClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


def at(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def holder(actor: str = "ada", verb: str = "promote") -> Holder:
    return Holder(actor=actor, host="build-7", process=4711, verb=verb, since=START)


def release(version: str = "v1", salt: str = "") -> Release:
    """A release whose digest comes from its version and the salt."""
    image = ReleaseImage(
        repository="registry.test/shop/api",
        tag=version,
        digest=fingerprint.of(version + salt),
        platforms={"linux/amd64": fingerprint.of([version, salt])},
    )
    return Release(
        version=version,
        images={"api": image},
        created_at=START,
        created_by="ada",
        source=ReleaseSource(revision="0123456789abcdef0123456789abcdef01234567"),
    )


def plan(
    environment: str,
    base: int,
    version: str = "v1",
    trigger: str = "promote",
    *,
    salt: str = "",
    rendered: str | None = None,
    restores: int | None = None,
) -> Plan:
    """A plan whose id comes from everything that is asked of it here."""
    return Plan(
        id=fingerprint.of([environment, base, version, trigger, salt, rendered, restores]),
        project="shop",
        environment=environment,
        target=Target(engine="directory", identity="disk-1", path=f"deploy/{environment}"),
        trigger=trigger,
        release=release(version, salt),
        base_revision=base,
        restores=restores,
        rendered_digest=fingerprint.of(rendered or version),
        config_digest=fingerprint.of("config"),
        changes=(Change(resource="service/api", action="create"),),
        secrets={"db_password": SecretPrint(key="k1", fingerprint="0123456789abcdef")},
        created_at=START,
    )


def resource(name: str = "api", image: str = "v1") -> Resource:
    body = {"image": image, "environment": {"DB_PASSWORD": {"secret": "db_password"}, "TEXT": "späß \U0001f680"}}
    return Resource(
        id=f"service/{name}",
        body=body,
        fingerprint=fingerprint.of(body),
        secrets={"environment.DB_PASSWORD": "db_password"},
    )


def inventory(revision: int, *names: str) -> Inventory:
    items = {}
    for name in names or ("api", "web"):
        one = resource(name)
        items[one.id] = InventoryItem(
            resource=one, snapshot={**one.body, "added": True}, uid="u-1", generation=2, revision=revision
        )
    return Inventory(
        items=items,
        files={"compose.yaml": fingerprint.of(revision)},
        secrets={"db_password": SecretPrint(key="k1", fingerprint=None)},
        definitions={"db_password": {"from": "env", "name": "SHOP_DB_PASSWORD"}},
    )


def intent(made: Plan, base: Inventory = EMPTY, minutes: float = 0, leaves: str | None = None) -> Intent:
    return Intent(
        plan=made,
        resources=(resource("api"), resource("web")),
        base=base,
        definitions={"db_password": {"from": "env", "name": "SHOP_DB_PASSWORD"}},
        actor="ada",
        reason="as planned",
        source=DeclarationSource(commit="0123456789abcdef0123456789abcdef01234567", dirty=True),
        tool_version="0.1.0",
        leaves=leaves,
        started_at=at(minutes),
    )


def outcome(
    status: str = "succeeded",
    *,
    revision: int = 1,
    minutes: float = 1,
    current: tuple[int, str, float] | None = None,
    restored: int | None = None,
) -> Outcome:
    """An outcome; `current` is its revision, release, and the minute since when."""
    now = None
    if current is not None:
        number, version, since = current
        now = Current(revision=number, release=version, since=at(since))
    return Outcome(
        status=status,
        inventory=inventory(revision),
        message="all well" if status == "succeeded" else "it went wrong",
        restored=restored,
        current=now,
        finished_at=at(minutes),
    )


def step(text: str = "applied", minutes: float = 0.5) -> Step:
    return Step(at=at(minutes), text=text)
