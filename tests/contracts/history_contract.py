"""What every HistoryStore keeps to. An implementation gives the fixtures `clock` and `connect`.

`connect()` is another process with the same history; closing it is that process's death.
"""

from collections.abc import Callable
from datetime import timedelta, timezone

import msgspec
import pytest

from releaser.model.delivery import Delivery
from releaser.model.errors import (
    HistoryCorrupt,
    InternalError,
    LeaseLost,
    Locked,
    ReleaseConflict,
    StalePlan,
    UnknownName,
)
from releaser.model.resource import EMPTY
from releaser.planning.fingerprint import of_bytes
from releaser.ports import DeliveryQuery, HistoryStore, Lease
from tests.contracts.history_samples import (
    FixedClock,
    at,
    holder,
    intent,
    inventory,
    outcome,
    plan,
    release,
    step,
)

Connect = Callable[[], HistoryStore]


def deliver(store: HistoryStore, environment: str, version: str = "v1", status: str = "succeeded", **more) -> Delivery:
    """One whole delivery; `more` goes into the plan, but for minutes, leaves, current and restored."""
    minutes = more.pop("minutes", 0)
    leaves, current, restored = more.pop("leaves", None), more.pop("current", None), more.pop("restored", None)
    lease = store.acquire(environment, holder())
    head = store.head(environment)
    base = head.revision if head else 0
    more.setdefault("salt", "")
    begun = store.begin(lease, intent(plan(environment, base, version, **more), minutes=minutes, leaves=leaves))
    ended = outcome(status, revision=begun.revision, minutes=minutes + 1, current=current, restored=restored)
    done = store.finish(lease, begun.revision, ended)
    store.release(lease)
    return done


class LeaseContract:
    """One writer an environment."""

    def test_a_token_only_grows(self, connect: Connect) -> None:
        store = connect()
        first = store.acquire("test1", holder())
        store.release(first)
        second = store.acquire("test1", holder("bob"))
        assert (first.token, second.token) == (1, 2)
        assert store.acquire("test2", holder()).token == 1
        assert second.environment == "test1"
        assert second.holder == holder("bob")

    def test_a_second_one_is_told_who_holds_it_and_what_to_do(self, connect: Connect) -> None:
        one, other = connect(), connect()
        one.acquire("staging", holder("ada", verb="promote v1"))
        with pytest.raises(Locked) as refused:
            other.acquire("staging", holder("bob"))
        for word in ("staging", "ada", "build-7", "4711", "promote v1", "2026-11-24 09:30:00Z"):
            assert word in refused.value.message
        assert "release lock status" in (refused.value.hint or "")
        assert "release lock break --env staging --reason" in (refused.value.hint or "")

    def test_the_same_client_is_a_second_one_too(self, connect: Connect) -> None:
        store = connect()
        store.acquire("staging", holder())
        with pytest.raises(Locked):
            store.acquire("staging", holder())

    def test_environments_do_not_wait_for_each_other(self, connect: Connect) -> None:
        one, other = connect(), connect()
        one.acquire("test1", holder())
        assert other.acquire("test2", holder("bob")).token == 1

    def test_a_refused_one_gets_it_once_it_is_let_go(self, connect: Connect) -> None:
        one, other = connect(), connect()
        lease = one.acquire("test1", holder())
        with pytest.raises(Locked):
            other.acquire("test1", holder("bob"))
        one.release(lease)
        assert other.acquire("test1", holder("bob")).token == 2

    def test_who_holds_what(self, connect: Connect) -> None:
        one, other = connect(), connect()
        assert one.leases() == ()
        one.acquire("test2", holder("ada"))
        other.release(other.acquire("test3", holder("bob")))
        other.acquire("test1", holder("bob"))
        for store in (one, other):
            assert [(s.environment, s.holder.actor, s.token, s.alive) for s in store.leases()] == [
                ("test1", "bob", 1, True),
                ("test2", "ada", 1, True),
            ]

    def test_a_dead_holder_is_seen_and_followed_at_once(self, connect: Connect) -> None:
        one, other = connect(), connect()
        lost = one.acquire("test1", holder("ada"))
        one.close()
        (state,) = other.leases()
        assert (state.alive, state.holder.actor, state.token) == (False, "ada", 1)
        before = other.verify().events
        lease = other.acquire("test1", holder("bob"))
        assert lease.token == 2
        assert other.verify().events == before + 1  # the chain tells that it was taken over
        assert [s.alive for s in other.leases()] == [True]
        with pytest.raises(LeaseLost):
            connect().renew(lost)

    def test_a_release_by_its_holder_is_no_event(self, connect: Connect) -> None:
        store = connect()
        deliver(store, "test1")
        before = store.verify()
        store.release(store.acquire("test1", holder()))
        assert store.verify() == before

    def test_breaking_takes_it_from_its_holder(self, connect: Connect) -> None:
        one, other = connect(), connect()
        lost = one.acquire("test1", holder("ada"))
        one.renew(lost)
        before = other.verify().events
        state = other.break_lease("test1", "bob", "ada is on a train")
        assert state is not None
        assert (state.holder.actor, state.token, state.alive) == ("ada", 1, True)
        assert other.leases() == ()
        assert other.verify().events == before + 1
        lease = other.acquire("test1", holder("bob"))
        assert lease.token > lost.token + 1
        with pytest.raises(LeaseLost) as told:
            one.renew(lost)
        assert "test1" in told.value.message
        assert "bob" in told.value.message
        assert told.value.hint

    def test_breaking_the_lease_of_a_dead_holder(self, connect: Connect) -> None:
        one, other = connect(), connect()
        one.acquire("test1", holder("ada"))
        one.close()
        state = other.break_lease("test1", "bob", "gone")
        assert state is not None
        assert not state.alive

    def test_breaking_what_nobody_holds_does_nothing(self, connect: Connect) -> None:
        store = connect()
        assert store.break_lease("test1", "bob", "why") is None
        store.release(store.acquire("test1", holder()))
        before = store.verify()
        assert store.break_lease("test1", "bob", "why") is None
        assert store.verify() == before

    def test_letting_go_of_a_lost_lease_leaves_the_new_one_alone(self, connect: Connect) -> None:
        one, other = connect(), connect()
        lost = one.acquire("test1", holder("ada"))
        other.break_lease("test1", "bob", "why")
        lease = other.acquire("test1", holder("bob"))
        one.release(lost)
        other.renew(lease)
        assert [s.holder.actor for s in other.leases()] == ["bob"]
        assert other.leases()[0].alive

    def test_a_lease_that_was_let_go_is_lost(self, connect: Connect) -> None:
        store = connect()
        lease = store.acquire("test1", holder())
        store.release(lease)
        store.release(lease)
        with pytest.raises(LeaseLost):
            store.renew(lease)

    @pytest.mark.parametrize("how", ["broken", "died", "let go"])
    def test_no_write_gets_through_under_a_lost_lease(self, connect: Connect, how: str) -> None:
        one, other = connect(), connect()
        deliver(one, "test1", status="interrupted")
        lost = one.acquire("test1", holder())
        begun = intent(plan("test1", 1))
        if how == "broken":
            other.break_lease("test1", "bob", "why")
        elif how == "died":
            one.close()
            other.acquire("test1", holder("bob"))
        else:
            one.release(lost)
        store, before = connect(), other.verify()
        writes: list[Callable[[], object]] = [
            lambda: store.renew(lost),
            lambda: store.begin(lost, begun),
            lambda: store.resume(lost, 1),
            lambda: store.step(lost, 1, step()),
            lambda: store.finish(lost, 1, outcome()),
        ]
        for write in writes:
            with pytest.raises(LeaseLost):
                write()
        assert other.verify() == before
        assert [d.revision for d in other.deliveries(DeliveryQuery())] == [1]


class DeliveryContract:
    """Intent before effect; the outcome after."""

    @pytest.fixture
    def store(self, connect: Connect) -> HistoryStore:
        return connect()

    @pytest.fixture
    def lease(self, store: HistoryStore) -> Lease:
        return store.acquire("test1", holder())

    def test_nothing_was_delivered(self, store: HistoryStore) -> None:
        assert store.head("test1") is None
        assert store.heads() == {}
        assert store.deliveries(DeliveryQuery()) == ()
        assert store.releases() == ()
        assert store.plan_executed(plan("test1", 0).id) is None
        with pytest.raises(UnknownName) as unknown:
            store.delivery("test1", 1)
        assert "nothing was delivered there yet" in unknown.value.message

    def test_an_intent_is_a_running_delivery(self, connect: Connect, store: HistoryStore, lease: Lease) -> None:
        made = plan("test1", 0, trigger="rollback", restores=7)
        begun = store.begin(lease, intent(made, base=inventory(0), leaves="v0"))
        expected = {
            "environment": "test1",
            "revision": 1,
            "status": "running",
            "trigger": "rollback",
            "release": "v1",
            "restores": 7,
            "restored": None,
            "actor": "ada",
            "reason": "as planned",
            "message": None,
            "started_at": "2026-11-24T09:30:00.123456Z",
            "finished_at": None,
            "config_digest": made.config_digest,
            "rendered_digest": made.rendered_digest,
            "source": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True},
            "tool_version": "0.1.0",
            "plan_id": made.id,
            "base_revision": 0,
            "leaves": "v0",
            "current": None,
        }
        printed = msgspec.to_builtins(begun)
        assert {key: printed[key] for key in expected} == expected
        assert begun.target == made.target
        other = connect()
        assert other.head("test1") == begun
        assert other.delivery("test1", 1) == begun
        assert other.plan_executed(made.id) == begun
        assert other.release_of("v1") == made.release

    def test_everything_of_an_intent_is_kept(self, connect: Connect, store: HistoryStore, lease: Lease) -> None:
        made = intent(plan("test1", 0), base=inventory(0))
        store.begin(lease, made)
        store.step(lease, 1, step("one"))
        store.step(lease, 1, step("two"))
        store.step(lease, 1, step("one"))
        record = connect().record("test1", 1)
        assert record.plan == made.plan
        assert record.resources == made.resources
        assert record.base == made.base
        assert record.definitions == made.definitions
        assert record.inventory is None
        assert record.steps == (step("one"), step("two"), step("one"))
        store.finish(lease, 1, outcome())
        assert connect().record("test1", 1).inventory == inventory(1)

    def test_an_empty_delivery_is_kept(self, store: HistoryStore, lease: Lease) -> None:
        nothing = msgspec.structs.replace(
            intent(plan("test1", 0)), resources=(), definitions={}, reason=None, source=None
        )
        store.begin(lease, nothing)
        store.finish(lease, 1, msgspec.structs.replace(outcome(), inventory=EMPTY, message=None))
        record = store.record("test1", 1)
        assert (record.resources, record.base, record.inventory, record.steps) == ((), EMPTY, EMPTY, ())
        assert (record.delivery.reason, record.delivery.source, record.delivery.message) == (None, None, None)

    @pytest.mark.parametrize("status", ["succeeded", "failed", "interrupted", "aborted"])
    def test_an_outcome(self, connect: Connect, store: HistoryStore, lease: Lease, status: str) -> None:
        begun = store.begin(lease, intent(plan("test1", 0)))
        done = store.finish(lease, 1, outcome(status, restored=0, current=(1, "v1", 3)))
        assert done == msgspec.structs.replace(
            begun,
            status=status,
            message=outcome(status).message,
            restored=0,
            current=outcome(current=(1, "v1", 3)).current,
            finished_at=at(1),
        )
        assert connect().head("test1") == done

    def test_times_with_another_zone_are_the_same_times(self, store: HistoryStore, lease: Lease) -> None:
        there = timezone(timedelta(hours=5, minutes=30))
        late = msgspec.structs.replace(intent(plan("test1", 0)), started_at=at(0).astimezone(there))
        assert store.begin(lease, late).started_at == at(0)
        store.step(lease, 1, msgspec.structs.replace(step(), at=at(2).astimezone(there)))
        store.finish(lease, 1, msgspec.structs.replace(outcome(), finished_at=at(1).astimezone(there)))
        assert store.delivery("test1", 1).finished_at == at(1)
        assert store.record("test1", 1).steps[0].at == at(2)
        assert store.verify().message is None

    def test_words_that_are_no_unicode_do_not_stop_a_delivery(self, store: HistoryStore, lease: Lease) -> None:
        odd = "caf\udce9\0\x1b[2J"
        store.begin(lease, msgspec.structs.replace(intent(plan("test1", 0)), actor=odd, reason=odd))
        store.step(lease, 1, step(odd))
        done = store.finish(lease, 1, msgspec.structs.replace(outcome(), message=odd))
        expected = "caf?\0\x1b[2J"
        assert (done.actor, done.reason, done.message) == (expected, expected, expected)
        assert store.record("test1", 1).steps[0].text == expected
        assert store.head("test1") == done
        assert store.verify().message is None
        store.break_lease("test1", odd, odd)
        store.acquire("test1", holder(odd, verb=odd))
        assert store.leases()[0].holder.actor == expected

    def test_revisions_count_up_in_each_environment(self, store: HistoryStore) -> None:
        assert [deliver(store, "test1", v).revision for v in ("v1", "v2", "v3")] == [1, 2, 3]
        assert deliver(store, "test2").revision == 1
        assert {name: head.revision for name, head in store.heads().items()} == {"test1": 3, "test2": 1}
        assert store.heads()["test1"] == store.head("test1") == store.delivery("test1", 3)

    def test_a_plan_on_another_revision_is_stale(self, store: HistoryStore, lease: Lease) -> None:
        with pytest.raises(StalePlan) as stale:
            store.begin(lease, intent(plan("test1", 1)))
        assert "revision 1" in stale.value.message
        assert stale.value.hint
        store.begin(lease, intent(plan("test1", 0)))
        store.finish(lease, 1, outcome())
        for base in (0, 2):
            with pytest.raises(StalePlan):
                store.begin(lease, intent(plan("test1", base, "v2")))
        assert store.head("test1") == store.delivery("test1", 1)
        assert store.release_of("v2") is None

    def test_a_running_head_lets_nothing_begin(self, store: HistoryStore, lease: Lease) -> None:
        store.begin(lease, intent(plan("test1", 0)))
        for base in (0, 1):
            with pytest.raises(StalePlan) as stale:
                store.begin(lease, intent(plan("test1", base, "v2")))
            assert "running" in stale.value.message

    def test_a_plan_is_executed_once(self, store: HistoryStore, lease: Lease) -> None:
        made = plan("test1", 0)
        store.begin(lease, intent(made))
        store.finish(lease, 1, outcome("interrupted"))
        again = msgspec.structs.replace(made, base_revision=1)
        with pytest.raises(StalePlan) as stale:
            store.begin(lease, intent(again))
        assert "executed already, as test1/1" in stale.value.message

    def test_an_interrupted_head_blocks_nothing(self, store: HistoryStore) -> None:
        deliver(store, "test1", status="interrupted")
        assert deliver(store, "test1", "v2").revision == 2

    def test_a_conflicting_release_begins_nothing(self, store: HistoryStore, lease: Lease) -> None:
        store.register(release("v1", salt="other"))
        before = store.verify()
        with pytest.raises(ReleaseConflict) as conflict:
            store.begin(lease, intent(plan("test1", 0)))
        assert "v1" in conflict.value.message
        assert "api" in conflict.value.message
        assert store.head("test1") is None
        assert store.verify() == before

    def test_a_plan_for_another_environment_is_a_defect(self, store: HistoryStore, lease: Lease) -> None:
        with pytest.raises(InternalError):
            store.begin(lease, intent(plan("test2", 0)))
        assert store.heads() == {}

    def test_only_the_interrupted_head_is_resumed(self, store: HistoryStore, lease: Lease) -> None:
        with pytest.raises(UnknownName):
            store.resume(lease, 1)
        begun = store.begin(lease, intent(plan("test1", 0)))
        with pytest.raises(StalePlan):
            store.resume(lease, 1)
        store.finish(lease, 1, outcome("interrupted", current=(1, "v1", 0), restored=0))
        resumed = store.resume(lease, 1)
        assert resumed == begun
        assert store.head("test1") == begun
        assert store.record("test1", 1).inventory is None
        store.step(lease, 1, step())
        done = store.finish(lease, 1, outcome(minutes=5))
        assert (done.status, done.finished_at) == ("succeeded", at(5))
        with pytest.raises(StalePlan):
            store.resume(lease, 1)
        store.begin(lease, intent(plan("test1", 1, "v2")))
        with pytest.raises(StalePlan):
            store.resume(lease, 1)
        for nowhere in (0, 3, -1):
            with pytest.raises(UnknownName):
                store.resume(lease, nowhere)

    def test_an_interrupted_delivery_gets_a_new_outcome(self, store: HistoryStore, lease: Lease) -> None:
        store.begin(lease, intent(plan("test1", 0)))
        store.finish(lease, 1, outcome("interrupted"))
        done = store.finish(lease, 1, outcome("aborted", restored=0, minutes=9))
        assert (done.status, done.restored, done.finished_at) == ("aborted", 0, at(9))

    @pytest.mark.parametrize("status", ["succeeded", "failed", "aborted"])
    def test_an_outcome_stays(self, store: HistoryStore, lease: Lease, status: str) -> None:
        store.begin(lease, intent(plan("test1", 0)))
        done = store.finish(lease, 1, outcome(status))
        for other in ("succeeded", "failed", "interrupted"):
            with pytest.raises(StalePlan) as stale:
                store.finish(lease, 1, outcome(other))
            assert status in stale.value.message
        with pytest.raises(StalePlan):
            store.step(lease, 1, step())
        assert store.head("test1") == done

    def test_an_old_delivery_is_closed(self, store: HistoryStore) -> None:
        deliver(store, "test1", status="interrupted")
        deliver(store, "test1", "v2")
        lease = store.acquire("test1", holder())
        with pytest.raises(StalePlan):
            store.finish(lease, 1, outcome("aborted"))
        for nowhere in (0, 3):
            with pytest.raises(UnknownName):
                store.finish(lease, nowhere, outcome())
            with pytest.raises(UnknownName):
                store.step(lease, nowhere, step())

    @pytest.mark.parametrize("status", ["running", "done", ""])
    def test_no_delivery_ends_like_that(self, store: HistoryStore, lease: Lease, status: str) -> None:
        begun = store.begin(lease, intent(plan("test1", 0)))
        with pytest.raises(InternalError):
            store.finish(lease, 1, outcome(status))
        assert store.head("test1") == begun

    def test_another_one_may_finish_what_a_dead_one_began(self, connect: Connect) -> None:
        one, other = connect(), connect()
        one.begin(one.acquire("test1", holder("ada")), intent(plan("test1", 0)))
        one.close()
        lease = other.acquire("test1", holder("bob"))
        head = other.head("test1")
        assert head is not None
        assert head.status == "running"
        assert other.finish(lease, 1, outcome("interrupted")).actor == "ada"


class ReadingContract:
    """Questions, and their answers."""

    @pytest.fixture
    def store(self, connect: Connect) -> HistoryStore:
        return connect()

    def test_unknown_revisions(self, store: HistoryStore) -> None:
        deliver(store, "test1")
        for environment, revision in (("test1", 0), ("test1", 2), ("test1", -1), ("nowhere", 1)):
            with pytest.raises(UnknownName) as unknown:
                store.delivery(environment, revision)
            assert environment in unknown.value.message
            with pytest.raises(UnknownName):
                store.record(environment, revision)

    def test_what_a_query_finds(self, store: HistoryStore) -> None:
        deliver(store, "test1", "v1", minutes=0)
        deliver(store, "test2", "v1", status="failed", minutes=2)
        deliver(store, "test1", "v2", minutes=4)
        deliver(store, "test1", "v1", trigger="rollback", rendered="v1", minutes=6)

        def found(**query) -> list[tuple[str, int]]:
            return [(d.environment, d.revision) for d in store.deliveries(DeliveryQuery(**query))]

        every = [("test1", 3), ("test1", 2), ("test2", 1), ("test1", 1)]
        assert found() == every
        assert found(environments=("test1", "test2")) == every
        assert found(environments=("test1",)) == [("test1", 3), ("test1", 2), ("test1", 1)]
        assert found(environments=("nowhere",)) == []
        assert found(environments=()) == []
        assert found(release="v1") == [("test1", 3), ("test2", 1), ("test1", 1)]
        assert found(status="failed") == [("test2", 1)]
        assert found(trigger="rollback") == [("test1", 3)]
        assert found(before=2) == [("test2", 1), ("test1", 1)]
        assert found(after=1) == [("test1", 3), ("test1", 2)]
        assert found(environments=("test1",), before=3, after=1) == [("test1", 2)]
        digest = store.delivery("test1", 1).rendered_digest
        assert found(other_than=digest) == [("test1", 2)]
        assert found(release="v1", status="succeeded", limit=1) == [("test1", 3)]
        assert found(limit=2) == every[:2]
        assert found(limit=9) == every
        assert found(limit=0) == []
        assert store.deliveries(DeliveryQuery(limit=1)) == (store.head("test1"),)

    def test_revisions_stay_in_order_when_a_clock_goes_back(self, store: HistoryStore) -> None:
        deliver(store, "test1", "v1", minutes=60)
        deliver(store, "test1", "v2", minutes=0)
        deliver(store, "test2", "v1", minutes=30)
        deliver(store, "test1", "v3", minutes=60)
        found = [(d.environment, d.revision) for d in store.deliveries(DeliveryQuery())]
        assert found == [("test1", 3), ("test1", 2), ("test1", 1), ("test2", 1)]
        assert store.delivery("test1", 2).started_at == at(0)

    def test_a_second_without_a_fraction_is_in_order_too(self, store: HistoryStore) -> None:
        whole = -0.123456 / 60
        deliver(store, "test1", "v1", minutes=whole)
        deliver(store, "test2", "v1", minutes=0)
        assert store.delivery("test1", 1).started_at.microsecond == 0
        assert [d.environment for d in store.deliveries(DeliveryQuery())] == ["test2", "test1"]

    def test_a_release_is_registered_once(self, connect: Connect, store: HistoryStore) -> None:
        first = release("v1")
        assert store.register(first) == first
        before = store.verify()
        later = msgspec.structs.replace(first, created_at=at(99), created_by="bob")
        assert connect().register(later) == first
        assert store.verify() == before
        with pytest.raises(ReleaseConflict) as conflict:
            store.register(release("v1", salt="moved"))
        assert conflict.value.hint
        assert store.release_of("v1") == first
        assert store.release_of("v2") is None

    def test_what_builds_printed_is_kept_with_a_release(self, connect: Connect, store: HistoryStore) -> None:
        logs = ("[1/1] RUN make\n  café\n", "", "x" * 100_000)
        store.register(release("v1"), logs)
        store.register(release("v2"), logs[:1])
        store.register(release("v1"), ("another",))
        for log in logs:
            assert connect().log(of_bytes(log.encode())) == log
        assert store.verify().broken_at is None
        for digest in (of_bytes(b"another"), "sha256:none"):
            with pytest.raises(HistoryCorrupt, match="is missing"):
                store.log(digest)

    def test_releases_are_newest_first_as_registered(self, store: HistoryStore) -> None:
        for version in ("v1", "v3", "v2"):
            store.register(release(version))
        deliver(store, "test1", "v0")
        assert [r.version for r in store.releases()] == ["v0", "v2", "v3", "v1"]

    def test_a_history_has_one_id(self, connect: Connect, store: HistoryStore) -> None:
        deliver(store, "test1")
        assert store.id
        assert connect().id == store.id

    def test_a_closed_store_may_be_used_again(self, store: HistoryStore) -> None:
        done = deliver(store, "test1")
        store.close()
        store.close()
        assert store.head("test1") == done

    # each delivery: release, status, trigger, what it leaves, what is current after it and since which minute
    CURRENT = {
        "never": ([], None, None, None, None),
        "running": ([("v1", "running", "promote", None, None)], None, None, None, None),
        "failed": ([("v1", "failed", "promote", None, None)], None, None, None, None),
        "proven": ([("v1", "succeeded", "promote", None, ("v1", 0))], 1, None, 0, None),
        "proven by a rollback": ([("v1", "succeeded", "rollback", "v2", ("v1", 3))], 1, None, 3, None),
        "replaced": (
            [("v1", "succeeded", "promote", None, ("v1", 0)), ("v2", "succeeded", "promote", "v1", ("v2", 10))],
            *(1, None, 0, 10),
        ),
        "rolled back": (
            [
                ("v0", "succeeded", "promote", None, ("v0", 0)),
                ("v1", "succeeded", "promote", "v0", ("v1", 10)),
                ("v0", "succeeded", "rollback", "v1", ("v0", 20)),
            ],
            *(None, 3, 10, 20),
        ),
        "rolled back, then brought again": (
            [
                ("v1", "succeeded", "promote", "v0", ("v1", 0)),
                ("v0", "succeeded", "rollback", "v1", ("v0", 10)),
                ("v1", "succeeded", "promote", "v0", ("v1", 20)),
            ],
            *(3, None, 20, None),
        ),
        "a rollback away that failed": (
            [
                ("v1", "succeeded", "promote", None, ("v1", 0)),
                ("v0", "failed", "rollback", "v1", ("v1", 0)),
            ],
            *(1, None, 0, None),
        ),
        "a rollback to another configuration of it": (
            [
                ("v1", "succeeded", "promote", None, ("v1", 0)),
                ("v1", "succeeded", "rollback", "v1", ("v1", 0)),
            ],
            *(2, None, 0, None),
        ),
        "a failed one that brought it back": (
            [
                ("v1", "succeeded", "promote", None, ("v1", 0)),
                ("v2", "failed", "promote", "v1", ("v1", 0)),
            ],
            *(1, None, 0, None),
        ),
        "a failed one after which nobody knows": (
            [
                ("v1", "succeeded", "promote", None, ("v1", 0)),
                ("v2", "failed", "promote", "v1", None),
            ],
            *(1, None, 0, 10),
        ),
        "a running one ends the certainty": (
            [
                ("v1", "succeeded", "promote", None, ("v1", 0)),
                ("v2", "running", "promote", "v1", None),
            ],
            *(1, None, 0, 10),
        ),
        "a rollback away from another": (
            [
                ("v1", "succeeded", "promote", None, ("v1", 0)),
                ("v2", "succeeded", "promote", "v1", ("v2", 10)),
                ("v1", "failed", "rollback", "v2", None),
                ("v0", "succeeded", "rollback", "v2", ("v0", 30)),
            ],
            *(1, None, 0, 10),
        ),
    }

    @pytest.mark.parametrize("case", CURRENT)
    def test_how_a_release_stands(self, store: HistoryStore, case: str) -> None:
        deliveries, proven, rolled_back, since, until = self.CURRENT[case]
        deliver(store, "elsewhere", "v1", current=(1, "v1", 500), minutes=500)
        lease = store.acquire("staging", holder())
        for number, (version, status, trigger, leaves, current) in enumerate(deliveries, 1):
            made = plan("staging", number - 1, version, trigger)
            store.begin(lease, intent(made, minutes=10 * (number - 1), leaves=leaves))
            if status != "running":
                after = (number, *current) if current else None
                store.finish(lease, number, outcome(status, current=after))
        standing = store.standing("staging", "v1")
        assert standing.environment == "staging"
        assert (standing.proven, standing.rolled_back) == (proven, rolled_back)
        assert standing.since == (None if since is None else at(since))
        assert standing.until == (None if until is None else at(until))


class ChainContract:
    """Every write is in the chain."""

    def test_each_write_is_one_event(self, connect: Connect, clock: FixedClock) -> None:
        store = connect()
        assert (store.verify().events, store.verify().head) == (0, None)
        seen = [store.verify()]

        def grown(by: int) -> bool:
            seen.append(store.verify())
            assert (seen[-1].broken_at, seen[-1].message) == (None, None)
            return seen[-1].events == seen[-2].events + by and (seen[-1].head != seen[-2].head) == (by > 0)

        lease = store.acquire("test1", holder())
        assert grown(1)  # the creation
        store.begin(lease, intent(plan("test1", 0)))
        assert grown(2)  # the release, the delivery
        store.step(lease, 1, step())
        assert grown(1)
        store.finish(lease, 1, outcome("interrupted"))
        assert grown(1)
        clock.time = at(70)
        store.resume(lease, 1)
        assert grown(1)
        store.finish(lease, 1, outcome())
        assert grown(1)
        store.register(release("v2"))
        assert grown(1)
        store.renew(lease)
        store.release(lease)
        store.leases()
        assert grown(0)

    def test_what_is_refused_is_no_event(self, connect: Connect) -> None:
        store = connect()
        lease = store.acquire("test1", holder())
        store.begin(lease, intent(plan("test1", 0)))
        before = store.verify()
        for write in (
            lambda: store.begin(lease, intent(plan("test1", 1))),
            lambda: store.resume(lease, 1),
            lambda: store.finish(lease, 2, outcome()),
            lambda: store.step(lease, 2, step()),
            lambda: store.register(release("v1", salt="x")),
        ):
            with pytest.raises((StalePlan, UnknownName, ReleaseConflict)):
                write()
        assert store.verify() == before

    def test_two_histories_have_other_chains(self, connect: Connect) -> None:
        store = connect()
        deliver(store, "test1")
        deliver(store, "test1", "v2")
        assert connect().verify() == store.verify()


class HistoryContract(LeaseContract, DeliveryContract, ReadingContract, ChainContract):
    """All of it."""
