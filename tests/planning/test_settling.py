"""Settling: what a delivery that crashed is taken for, and what the record holds of it."""

from datetime import timedelta

import msgspec
import pytest

from releaser.model.delivery import INTERRUPTED, RUNNING, SUCCEEDED, Current, Delivery, Record, Step
from releaser.model.event import Point
from releaser.model.plan import CREATE, UNCHANGED, UPDATE, Change, Plan
from releaser.model.release import Release
from releaser.model.resource import EMPTY, Ready, Target
from releaser.planning.planner import differs
from releaser.planning.settling import UNSURE, inventory_of, judge, secrets_left, value_left, verified
from tests.contracts.planning_samples import NOW, OURS, TARGET, inventory, item, live, observation, resource, signed

SINCE = NOW - timedelta(hours=3)
OLD = Target(engine="memory", identity="id-0", host="old")
API1 = resource("service/api", {"image": "1"})
API2 = resource("service/api", {"image": "2"})
WEB = resource("service/web")
SECRET = resource("secret/pw", {"from": "env", "name": "PW"}, {"from": "pw"})
WRITTEN = msgspec.structs.replace(OURS, revision=2)  # by the delivery that crashed


def _change(of, action=UPDATE):
    return Change(resource=of.id, action=action)


def _record(resources, base=EMPTY, changes=(), steps=(), **words):
    """Revision 2, cut off, over revision 1."""
    plan = Plan(
        **{
            "id": "sha256:plan",
            "project": "shop",
            "environment": "test",
            "target": TARGET,
            "trigger": "promote",
            "release": Release(version="v2", images={}, created_at=NOW, created_by="ann"),
            "base_revision": 1,
            "rendered_digest": "sha256:r",
            "config_digest": "sha256:c",
            "changes": tuple(changes),
            "created_at": NOW,
            **words,
        }
    )
    delivery = Delivery(
        environment="test",
        revision=2,
        status=RUNNING,
        trigger=plan.trigger,
        release="v2",
        actor="ann",
        started_at=NOW,
        config_digest=plan.config_digest,
        rendered_digest=plan.rendered_digest,
        tool_version="0",
        plan_id=plan.id,
        base_revision=1,
        target=plan.target,
    )
    return Record(
        delivery=delivery,
        plan=plan,
        resources=tuple(resources),
        base=base,
        inventory=None,
        steps=tuple(Step(at=NOW, text=point, point=point) for point in steps),
    )


def _judge(record, *found, **words):
    return judge(record, observation(*found), SINCE, NOW, **words)


BASE = inventory(item(API1), item(WEB))
UPGRADE = _record([API2, WEB], BASE, [_change(API2), _change(WEB, UNCHANGED)])


# --- what it is taken for ---


@pytest.mark.parametrize(
    ("found", "status", "message"),
    [
        ([live(API2, mark=WRITTEN), live(WEB)], SUCCEEDED, "what is live is what was intended"),
        ([live(API1), live(WEB)], INTERRUPTED, "nothing had been changed"),
        ([live(API2, mark=WRITTEN)], INTERRUPTED, "changed in part"),
        ([live(API1)], INTERRUPTED, "changed in part"),
        ([], INTERRUPTED, "changed in part"),
        # something that the engine staged is left over
        (
            [live(API2, mark=WRITTEN), live(WEB), live(resource("config/app.1"))],
            INTERRUPTED,
            "changed in part",
        ),
        ([live(API1), live(WEB), live(resource("config/app.1"))], INTERRUPTED, "changed in part"),
        # its mark names what was intended, and another delivery
        ([live(API2), live(WEB)], INTERRUPTED, "changed in part"),
        # somebody did by hand what was intended: we did not
        ([live(API1, API2.body), live(WEB)], INTERRUPTED, "changed in part"),
        # somebody changed what the delivery left alone
        ([live(API2, mark=WRITTEN), live(WEB, {"image": "z"})], INTERRUPTED, "changed in part"),
    ],
)
def test_judgements(found, status, message):
    outcome = _judge(UPGRADE, *found)
    assert outcome.status == status
    assert message in outcome.message
    expected = Current(revision=2, release="v2", since=SINCE) if status == SUCCEEDED else None
    assert outcome.current == expected
    assert outcome.finished_at == NOW


def test_a_first_delivery():
    record = _record([API1], EMPTY, [_change(API1, CREATE)])
    assert _judge(record, live(API1, mark=WRITTEN)).status == SUCCEEDED
    untouched = _judge(record)
    assert (untouched.status, untouched.inventory) == (INTERRUPTED, EMPTY)


def test_drift_that_was_to_be_overwritten_is_not_taken_for_what_was_intended():
    """The thing's mark names the wanted resource, though somebody changed it since."""
    record = _record([API1], inventory(item(API1)), [_change(API1)])
    drifted = live(API1, {"image": "z"})
    outcome = _judge(record, drifted)
    assert outcome.status == INTERRUPTED
    assert outcome.inventory.items["service/api"].snapshot == {"image": "1"}  # so that it stays drift
    assert _judge(record, live(API1)).status == SUCCEEDED

    reconciling = _record([API1], inventory(item(API1)), [_change(API1)], trigger="reconcile")
    assert _judge(reconciling, drifted).status == INTERRUPTED
    assert _judge(reconciling, live(API1)).status == SUCCEEDED


def test_a_thing_that_was_recreated_by_hand_stays_drift():
    record = _record([API1], inventory(item(API1, uid="1")), [_change(API1, UNCHANGED)])
    assert _judge(record, live(API1, uid="2")).inventory.items["service/api"].uid == "1"
    written = _judge(record, live(API1, uid="2", mark=WRITTEN))
    assert written.inventory.items["service/api"].uid == "2"


@pytest.mark.parametrize("trigger", ["rollback", "reconcile"])
def test_a_thing_that_was_brought_back_anew_is_no_drift(trigger):
    """Its mark is that of the revision that first wrote it; that it was missing tells that we created it."""
    record = _record([API1], inventory(item(API1, uid="1")), [_change(API1, CREATE)], trigger=trigger)
    outcome = _judge(record, live(API1, uid="2"))
    assert (outcome.status, outcome.inventory.items["service/api"].uid) == (SUCCEEDED, "2")


def test_what_changes_nothing_but_the_release_succeeds():
    assert _judge(_record([API1], inventory(item(API1)), [_change(API1, UNCHANGED)]), live(API1)).status == SUCCEEDED


def test_a_rollback_keeps_the_revision_of_what_it_brings_back():
    record = _record([API1], inventory(item(API2)), [_change(API1)], trigger="rollback", restores=1)
    assert _judge(record, live(API1)).status == SUCCEEDED
    assert _judge(record, live(API2)).message.endswith("nothing had been changed")


def test_accepted_drift_that_a_rollback_brings_back():
    """Its mark still names the resource that it was made from before somebody changed it."""
    accepted = resource("service/api", {"image": "z"})
    as_marked = live(API1, {"image": "z"})
    record = _record([accepted], inventory(item(accepted)), [_change(accepted, UNCHANGED)], trigger="reconcile")
    assert _judge(record, as_marked).status == SUCCEEDED
    assert _judge(record, as_marked).inventory.items["service/api"].resource == accepted


def test_what_was_to_be_accepted_is_not():
    accepted = resource("service/api", {"image": "z"})
    record = _record([accepted], inventory(item(API1)), trigger="reconcile", accepts=True)
    outcome = _judge(record, live(API1, {"image": "z"}))
    assert (outcome.status, outcome.inventory) == (INTERRUPTED, record.base)
    assert outcome.message.endswith("nothing had been changed")


# --- as intended, but something is still open ---


@pytest.mark.parametrize(
    ("steps", "agreed"),
    [
        ([Point.INTENT, Point.APPLIED, Point.VERIFYING], False),
        ([Point.INTENT, Point.APPLIED, Point.VERIFYING, Point.VERIFIED], True),
        ([Point.INTENT, Point.VERIFYING, Point.VERIFIED, Point.INTENT, Point.APPLIED], False),  # resumed
        ([Point.INTENT, Point.APPLIED, Point.INTENT, Point.VERIFYING, Point.VERIFIED, Point.OBSERVED], True),
    ],
)
def test_verify_has_the_last_word(steps, agreed):
    record = _record([API1], inventory(item(API1)), steps=steps, verify=("check",))
    assert verified(record) is agreed
    outcome = _judge(record, live(API1))
    assert outcome.status == (SUCCEEDED if agreed else INTERRUPTED)
    assert ("verify had not agreed yet" in outcome.message) is not agreed
    assert verified(_record([API1], steps=steps)) is True  # there is none


@pytest.mark.parametrize(("running", "status"), [(2, SUCCEEDED), (3, SUCCEEDED), (1, INTERRUPTED)])
def test_what_does_not_run_yet_is_no_success(running, status):
    found = msgspec.structs.replace(live(API2, mark=WRITTEN), ready=Ready(running=running, desired=2))
    outcome = _judge(_record([API2], inventory(item(API1)), [_change(API2)]), found)
    assert outcome.status == status
    assert ("not all of it runs yet" in outcome.message) is (status == INTERRUPTED)


# --- secrets ---


def _rotation(**words):
    base = inventory(item(SECRET), secrets={"pw": signed("1")})
    return _record([SECRET], base, [_change(SECRET)], secrets={"pw": signed("2")}, **words)


def test_a_secrets_value_counts_as_delivered_only_where_its_mark_says_so():
    outcome = _judge(_rotation(), live(SECRET, mark=WRITTEN))
    assert (outcome.status, outcome.inventory.secrets) == (SUCCEEDED, {"pw": signed("2")})
    outcome = _judge(_rotation(), live(SECRET))
    assert (outcome.status, outcome.inventory.secrets) == (INTERRUPTED, {"pw": signed("1")})
    assert "whether the new value of secret pw was delivered cannot be told" in outcome.message


def test_half_of_the_secrets_were_delivered():
    token = resource("secret/token", {"from": "env", "name": "T"}, {"from": "token"})
    base = inventory(item(SECRET), item(token), item(API1), secrets={"pw": signed("1"), "token": signed("1")})
    now = {"pw": signed("2"), "token": signed("2")}
    record = _record([SECRET, token, API2], base, [_change(SECRET), _change(token), _change(API2)], secrets=now)
    outcome = _judge(record, live(SECRET, mark=WRITTEN), live(token), live(API1))
    assert outcome.inventory.secrets == {"pw": signed("2"), "token": signed("1")}


@pytest.mark.parametrize(
    ("changes", "written", "then", "left"),
    [
        ([], None, signed("1"), "1"),  # nothing was written, so the engine has the former value
        ([_change(SECRET, UNCHANGED)], None, signed("1"), "1"),
        ([_change(SECRET)], None, signed("1"), "2"),
        ([_change(SECRET)], {"secret/pw"}, signed("1"), "2"),
        ([_change(SECRET)], set(), signed("1"), "1"),
        ([_change(API1), _change(SECRET)], {"secret/pw"}, signed("1"), "2"),  # the service does not refer to it
        ([_change(API1)], None, None, "2"),  # nothing was known of it
    ],
)
def test_which_value_the_engine_has(changes, written, then, left):
    plan = _record([SECRET, API1], changes=changes, secrets={"pw": signed("2")}).plan
    base = inventory(secrets={} if then is None else {"pw": then})
    assert secrets_left(plan, base, [SECRET, API1], written) == {"pw": signed(left)}


def test_a_service_that_refers_to_a_secret_is_given_its_value():
    referring = resource("service/api", {"environment": {"P": {"secret": "pw"}}}, {"environment.P": "pw"})
    plan = _record([referring], changes=[_change(referring)], secrets={"pw": signed("2", "key-2")}).plan
    base = inventory(secrets={"pw": signed("1")})
    assert secrets_left(plan, base, [referring]) == {"pw": signed("2", "key-2")}
    assert secrets_left(plan, base, [referring], {"service/web"}) == {"pw": signed("1")}


@pytest.mark.parametrize(
    ("then", "now", "delivered", "left"),
    [
        (signed("1"), signed("2"), True, signed("2")),
        (signed("1"), signed("2"), False, signed("1")),
        (signed("1"), signed("2"), None, signed(UNSURE)),
        (signed("1"), signed("1"), None, signed("1")),  # either way the same
        (signed("1"), signed("2", "key-2"), None, signed(None, "key-2")),
        (signed("1"), signed(None), None, signed(None)),
        (signed(UNSURE), signed("2"), False, signed(UNSURE)),
        (None, signed("2"), False, signed("2")),
        (None, signed("2"), None, signed(UNSURE)),
    ],
)
def test_a_value_that_may_be_either_is_like_none(then, now, delivered, left):
    assert value_left(then, now, delivered) == left
    assert left.fingerprint != UNSURE or differs(left, now)


def test_what_a_rollback_brings_back_bears_no_mark_of_its_own():
    referring = resource("service/api", {"environment": {"P": {"secret": "pw"}}}, {"environment.P": "pw"})
    base = inventory(item(SECRET), item(referring), secrets={"pw": signed("1")})
    record = _record([SECRET, referring], base, [_change(SECRET)], secrets={"pw": signed("2")}, trigger="rollback")
    outcome = _judge(record, live(SECRET), live(referring))
    assert (outcome.status, outcome.inventory.secrets) == (INTERRUPTED, {"pw": signed(UNSURE)})


def test_a_secret_that_is_not_written_keeps_its_value_under_the_key_that_knew_it():
    referring = resource("service/api", {"environment": {"P": {"secret": "pw"}}}, {"environment.P": "pw"})
    changes = [_change(SECRET, UNCHANGED), _change(referring)]
    plan = _record([SECRET, referring], changes=changes, secrets={"pw": signed("2", "key-2")}).plan
    base = inventory(secrets={"pw": signed("1")})
    assert secrets_left(plan, base, [SECRET, referring]) == {"pw": signed("1")}


def test_one_of_two_that_are_given_a_value():
    referring = resource("service/api", {"environment": {"P": {"secret": "pw"}}}, {"environment.P": "pw"})
    plan = _record([SECRET, referring], changes=[_change(SECRET), _change(referring)], secrets={"pw": signed("2")}).plan
    base = inventory(secrets={"pw": signed("1")})
    assert secrets_left(plan, base, [SECRET, referring], {"secret/pw"}) == {"pw": signed(UNSURE)}


# --- a move ---

MOVE = _record([API1], inventory(item(API1), target=OLD), [_change(API1, CREATE)], moves_from=OLD)


@pytest.mark.parametrize(
    ("found", "left", "status", "message"),
    [
        ([live(API1, mark=WRITTEN)], True, SUCCEEDED, "what was intended"),
        ([live(API1, mark=WRITTEN)], False, INTERRUPTED, "old is not known to be left: release resume test"),
        ([], False, INTERRUPTED, "nothing had been changed"),
        ([live(API1, mark=WRITTEN), live(WEB)], False, INTERRUPTED, "test was changed in part"),
    ],
)
def test_a_move(found, left, status, message):
    outcome = _judge(MOVE, *found, left=left)
    assert outcome.status == status
    assert message in outcome.message
    assert outcome.inventory.target == (TARGET if status == SUCCEEDED else OLD)


def test_a_move_that_changed_nothing_leaves_the_former_record_as_it_is():
    base = inventory(item(SECRET), secrets={"pw": signed("1")}, target=OLD)
    words = {"secrets": {"pw": signed("2")}, "moves_from": OLD, "trigger": "rollback"}
    assert _judge(_record([SECRET], base, [_change(SECRET, CREATE)], **words), left=False).inventory == base


# --- inventories ---


def test_each_thing_stands_under_the_resource_it_was_made_from():
    made = live(API2, {"image": "2", "restart": "any"}, mark=WRITTEN, uid="7")
    left = inventory_of(observation(made, live(WEB), files={"f": "sha256:1"}), [API1, API2, WEB], 2)
    assert left.items["service/api"] == item(API2, {"image": "2", "restart": "any"}, revision=2, uid="7")
    assert left.items["service/web"] == item(WEB, revision=1)
    assert left.files == {"f": "sha256:1"}


def test_what_is_not_ours_is_left_out():
    unknown = live(resource("service/theirs"), mark=None)
    ours = live(resource("service/lost"))
    left = inventory_of(observation(unknown, ours), [API1], 2)
    assert left.items.keys() == {"service/lost"}


def test_what_was_found_keeps_the_places_of_its_secrets():
    """So that a literal that somebody put there is never shown, nor recorded."""
    referring = resource("service/api", {"environment": {"P": {"secret": "pw"}}}, {"environment.P": "pw"})
    edited = live(resource("service/api", {"environment": {"P": "literal"}}))
    left = inventory_of(observation(edited), [referring], 2, inventory(item(referring)), cut_off=frozenset())
    assert left.items["service/api"].resource.secrets == {"environment.P": "pw"}
    assert left.items["service/api"].snapshot == {"environment": {"P": "secret, replaced by a literal"}}
    assert "literal" not in str(left.items["service/api"]).replace("replaced by a literal", "")


@pytest.mark.parametrize(
    ("found", "snapshot"),
    [
        (live(API1, {"image": "z"}), {"image": "1"}),  # drifted before, and still
        (live(API1, {"image": "z"}, mark=WRITTEN), {"image": "z"}),  # written, and changed again
        (live(API2, mark=WRITTEN), {"image": "2"}),
        (live(API1), {"image": "1"}),
    ],
)
def test_a_delivery_that_did_not_get_through_leaves_drift_as_drift(found, snapshot):
    left = inventory_of(observation(found), [API1, API2], 2, inventory(item(API1)), cut_off=frozenset())
    assert left.items["service/api"].snapshot == snapshot
