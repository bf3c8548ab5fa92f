"""The planner: wanted, recorded and live become changes; and what a plan's id rests on."""

import copy
from datetime import timedelta

import msgspec
import pytest

from releaser.model.drift import CHANGED, DriftField, DriftItem
from releaser.model.environment import PipelineEntry, Upstream
from releaser.model.gate import GateResult
from releaser.model.image import ReleaseImage
from releaser.model.plan import CREATE, DELETE, UNCHANGED, UPDATE, Change, FieldChange, Plan
from releaser.model.release import Release
from releaser.model.resource import Mark, Target
from releaser.model.value import Location
from releaser.planning.drift import REPLACED
from releaser.planning.planner import Wanted, changes, differs, foreign, moved_parts, plan_id, rendered_digest
from tests.contracts.planning_samples import (
    NOW,
    OURS,
    TARGET,
    inventory,
    item,
    live,
    observation,
    resource,
    signed,
)

BODY = {"image": "a", "environment": {"LEVEL": "info"}}
ANSWER = {**BODY, "restart": "any"}  # the engine adds what it chose itself
API = resource("service/api", BODY)
API2 = resource("service/api", {"image": "b", "environment": {"LEVEL": "info"}})
BARE = resource("service/api", {"image": "a"})
WEB = resource("service/web")


def _wanted(resources=(), recorded=(), found=(), **words):
    return Wanted(
        **{
            "resources": tuple(resources),
            "inventory": inventory(*recorded),
            "observation": observation(*found),
            "secrets": {},
            "owns_orphans": False,
            "ours": OURS,
            **words,
        }
    )


def _place(name, path):
    return Location(file=name, line=len(path), column=1)


def _planned(*args, **words):
    return changes(_wanted(*args, **words), _place)


def _fields(change):
    return [(field.path, field.old, field.new) for field in change.fields]


# --- one resource ---


@pytest.mark.parametrize(
    ("wanted", "recorded", "found", "action", "fields"),
    [
        # nothing was there
        (API, None, None, CREATE, [("environment.LEVEL", None, "info"), ("image", None, "a")]),
        # somebody removed it
        (API, item(API, ANSWER), None, CREATE, [("environment.LEVEL", None, "info"), ("image", None, "a")]),
        # as it was left
        (API, item(API, ANSWER), live(API, ANSWER), UNCHANGED, []),
        # its declaration changed
        (API2, item(API, ANSWER), live(API, ANSWER), UPDATE, [("image", "a", "b")]),
        # somebody changed it: the old value is the live one
        (API, item(API, ANSWER), live(API, {**ANSWER, "image": "z"}), UPDATE, [("image", "z", "a")]),
        # somebody changed what the engine had chosen: back to that
        (API, item(API, ANSWER), live(API, {**ANSWER, "restart": "no"}), UPDATE, [("restart", "no", "any")]),
        # what was declared is no longer, and somebody changed it
        (BARE, item(API, ANSWER), live(API, {**ANSWER, "environment": {"LEVEL": "z"}}), UPDATE, [
            ("environment.LEVEL", "z", None),
        ]),
        # somebody added something
        (API, item(API, ANSWER), live(API, {**ANSWER, "tty": True}), UPDATE, [("tty", True, None)]),
        # somebody removed a field
        (API, item(API, ANSWER), live(API, {"image": "a", "restart": "any"}), UPDATE, [
            ("environment.LEVEL", None, "info"),
        ]),
        # its declaration changed, and somebody changed the same field: what is live is the old value
        (API2, item(API, ANSWER), live(API, {**ANSWER, "image": "z"}), UPDATE, [("image", "z", "b")]),
        # … another field
        (API2, item(API, ANSWER), live(API, {**ANSWER, "tty": 1}), UPDATE, [("image", "a", "b"), ("tty", 1, None)]),
        # somebody did by hand what is declared now: it is written all the same, so that its mark says so
        (API2, item(API, ANSWER), live(API, {**ANSWER, "image": "b"}), UPDATE, []),
        # created anew by somebody, and like before
        (API, item(API, ANSWER, uid="1"), live(API, ANSWER, uid="2"), UNCHANGED, []),
        # it is live though nobody recorded it, as a crash leaves it
        (API, None, live(API, ANSWER), UPDATE, [("restart", "any", None)]),
        (API, None, live(API), UNCHANGED, []),
    ],
)  # fmt: skip
def test_actions(wanted, recorded, found, action, fields):
    (change,) = _planned([wanted], [recorded] if recorded else [], [found] if found else [])
    assert (change.resource, change.action, _fields(change)) == ("service/api", action, fields)


def test_fields_know_where_they_are_declared():
    (change,) = _planned([API2], [item(API)], [live(API)])
    assert change.fields[0].origin == Location(file="service/api", line=1, column=1)
    (change,) = _planned([API])
    assert [field.origin.line for field in change.fields] == [2, 1]


# --- several ---


def test_the_order_is_that_of_the_resources_then_deletions():
    a, b, c, d = (resource(f"service/{name}") for name in "abcd")
    found = _planned([c, a], [item(d), item(b), item(a)], [live(a), live(b), live(d)])
    assert [(change.resource, change.action) for change in found] == [
        ("service/c", CREATE),
        ("service/a", UNCHANGED),
        ("service/b", DELETE),
        ("service/d", DELETE),
    ]


@pytest.mark.parametrize(
    ("recorded", "found", "owns", "deleted"),
    [
        ([item(WEB)], [live(WEB)], False, True),
        ([item(WEB)], [], False, False),  # it is gone already
        ([], [live(WEB, mark=None)], False, False),  # somebody else's
        ([], [live(WEB, mark=None)], True, True),  # in a place that is ours
        ([], [live(WEB)], False, True),  # it bears our mark, though no record has it
        ([], [live(WEB, mark=msgspec.structs.replace(OURS, revision=9))], False, True),
        ([], [live(WEB, mark=msgspec.structs.replace(OURS, environment="other"))], False, False),
        ([item(WEB)], [live(WEB, mark=None)], False, True),  # it lost its mark
    ],
)
def test_what_is_deleted(recorded, found, owns, deleted):
    made = _planned([], recorded, found, owns_orphans=owns)
    assert made == ((Change(resource="service/web", action=DELETE),) if deleted else ())


# --- secrets ---

REFERRING = resource(
    "service/api", {"image": "a", "environment": {"PASSWORD": {"secret": "pw"}}}, {"environment.PASSWORD": "pw"}
)
PLAIN = resource("service/api", {"image": "a", "environment": {"PASSWORD": "guest"}})
SECRET = resource("secret/pw", {"from": "env", "name": "PW"}, {"from": "pw"})


def test_a_reference_is_shown_and_marked():
    (change,) = _planned([REFERRING])
    assert [(f.path, f.new, f.secret) for f in change.fields] == [
        ("environment.PASSWORD.secret", "pw", True),
        ("image", "a", False),
    ]


def test_a_literal_becomes_a_reference():
    """What was declared in the open is no secret; what is live in a secret's place may be one."""
    (change,) = _planned([REFERRING], [item(PLAIN)], [live(PLAIN)])
    assert [(f.path, f.old, f.new, f.secret) for f in change.fields] == [
        ("environment.PASSWORD", REPLACED, {"secret": "pw"}, True)
    ]
    (change,) = _planned([REFERRING], [], [live(PLAIN, mark=None)])
    assert change.fields[0].old == REPLACED


def test_a_reference_becomes_a_literal():
    (change,) = _planned([PLAIN], [item(REFERRING)], [live(REFERRING)])
    assert [(f.path, f.old, f.new, f.secret) for f in change.fields] == [
        ("environment.PASSWORD", {"secret": "pw"}, REPLACED, True)
    ]


def test_a_literal_that_drifted_into_a_secrets_place_is_hidden():
    drifted = {"image": "a", "environment": {"PASSWORD": "hunter-two"}}
    for wanted in (REFERRING, PLAIN):
        (change,) = _planned([wanted], [item(REFERRING)], [live(REFERRING, drifted)])
        assert change.action == UPDATE
        assert "hunter-two" not in repr(change)


@pytest.mark.parametrize(
    ("then", "now", "known"),
    [
        (signed("1"), signed("1"), False),
        (signed("1"), signed("2"), True),
        (signed("1"), signed("2", key="key-2"), False),
        (signed(None), signed("2"), False),
        (signed("1"), signed(None), False),
        (None, signed("1"), False),
    ],
)
def test_a_secret_changes_only_where_its_values_are_known_to_differ(then, now, known):
    recorded = inventory(item(SECRET), item(REFERRING), secrets={} if then is None else {"pw": then})
    wanted = _wanted(
        [SECRET, REFERRING], found=[live(SECRET), live(REFERRING)], inventory=recorded, secrets={"pw": now}
    )
    found = changes(wanted, _place)
    assert found[1] == Change(resource="service/api", action=UNCHANGED)
    field = FieldChange(path="value", old="1", new="2", secret=True)
    expected = (UPDATE, (field,)) if known else (UNCHANGED, ())
    assert (found[0].action, found[0].fields) == expected
    assert then is None or differs(then, now) is known


@pytest.mark.parametrize(("now", "action"), [(signed("2"), UPDATE), (signed(None), UNCHANGED)])
def test_a_secret_that_is_live_and_unrecorded_is_given_its_value(now, action):
    """Nobody knows which one it was given."""
    wanted = _wanted([SECRET, REFERRING], found=[live(SECRET), live(REFERRING)], secrets={"pw": now})
    found = changes(wanted, _place)
    assert [(change.resource, change.action) for change in found] == [
        ("secret/pw", action),
        ("service/api", UNCHANGED),
    ]
    assert [(f.path, f.old, f.new) for f in found[0].fields] == ([("value", None, "2")] if action == UPDATE else [])
    created = changes(_wanted([SECRET], secrets={"pw": now}), _place)
    assert "value" not in {field.path for field in created[0].fields}


def test_a_secret_without_a_resource_of_its_own_still_changes():
    recorded = inventory(item(REFERRING), secrets={"pw": signed("1")})
    wanted = _wanted([REFERRING], found=[live(REFERRING)], inventory=recorded, secrets={"pw": signed("2")})
    assert [(c.resource, c.action) for c in changes(wanted, _place)] == [
        ("service/api", UNCHANGED),
        ("secret/pw", UPDATE),
    ]


def test_a_created_secret_stays_a_creation():
    recorded = inventory(item(SECRET), secrets={"pw": signed("1")})
    wanted = _wanted([SECRET], inventory=recorded, secrets={"pw": signed("2")})
    (change,) = changes(wanted, _place)
    assert (change.action, change.fields[-1].path) == (CREATE, "value")


# --- whose it is ---


def _other(**words):
    return msgspec.structs.replace(OURS, **words)


@pytest.mark.parametrize(
    ("mark", "recorded", "owns", "in_way"),
    [
        (OURS, False, False, False),
        (_other(revision=99), False, False, False),
        (_other(history="history-2"), False, False, True),
        (_other(environment="prod"), False, False, True),
        (_other(project="blog"), False, False, True),
        (None, False, False, True),  # under a name of ours
        (None, False, True, True),
        (OURS, True, False, False),
        (_other(history="history-2"), True, False, True),  # another history took it
        (None, True, False, False),  # it lost its mark
        (None, True, True, False),
    ],
)
def test_what_is_in_the_way(mark, recorded, owns, in_way):
    wanted = _wanted([API], [item(API)] if recorded else [], [live(API, mark=mark)], owns_orphans=owns)
    assert foreign(wanted, OURS) == (("service/api",) if in_way else ())


@pytest.mark.parametrize(
    ("mark", "owns", "in_way"),
    [
        (_other(history="history-2"), False, False),  # not under a name of ours
        (None, False, False),
        (_other(history="history-2"), True, True),  # it would be removed
        (None, True, True),
        (OURS, True, False),
    ],
)
def test_what_nobody_wants_is_in_the_way_only_where_it_would_be_removed(mark, owns, in_way):
    wanted = _wanted([API], [], [live(WEB, mark=mark)], owns_orphans=owns)
    assert foreign(wanted, OURS) == (("service/web",) if in_way else ())


def test_what_somebody_added_by_hand_to_our_place_is_not_in_the_way():
    wanted = _wanted([API], [item(API)], [live(API), live(WEB, mark=None)], owns_orphans=True)
    assert foreign(wanted, OURS) == ()
    assert [(c.resource, c.action) for c in changes(wanted, _place)][1:] == [("service/web", DELETE)]


@pytest.mark.parametrize("mark", [None, _other(history="history-2")])
def test_what_is_adopted_is_written_so_that_it_bears_our_mark(mark):
    (change,) = _planned([API], [], [live(API, mark=mark)])
    assert (change.action, change.fields) == (UPDATE, ())


def test_what_somebody_added_by_hand_as_it_is_wanted_gets_our_mark():
    (_, change) = _planned([WEB, API], [item(WEB)], [live(WEB), live(API, mark=None)], owns_orphans=True)
    assert (change.action, change.fields) == (UPDATE, ())


def test_what_lost_its_mark_is_ours_and_as_it_was():
    (change,) = _planned([API], [item(API)], [live(API, mark=None)])
    assert change.action == UNCHANGED


# --- the id ---


def _image(digit):
    return ReleaseImage(repository="r/api", tag="v1", digest="sha256:" + digit * 64, platforms={})


RELEASE = Release(version="v1", images={"api": _image("0")}, created_at=NOW, created_by="ann")
ENTRY = PipelineEntry(
    name="test",
    layers=("base",),
    upstream=Upstream(mode="any", environments=("dev",)),
    soak=60.0,
    confirm=None,
    platforms=("linux/amd64",),
    location=Location(file="envs/pipeline.yaml", line=9, column=3),
)
FIELD = FieldChange(path="image", old="a", new="b", origin=Location(file="envs/base.yaml", line=1, column=1))
DRIFT = DriftItem(resource="service/api", kind=CHANGED, fields=(DriftField(path="tty", recorded=None, live=True),))
PLAN = Plan(
    id="",
    project="shop",
    environment="test",
    target=TARGET,
    trigger="promote",
    release=RELEASE,
    base_revision=3,
    restores=None,
    rendered_digest="sha256:r",
    config_digest="sha256:c",
    changes=(Change(resource="service/api", action=UPDATE, fields=(FIELD,)), Change(resource="x", action=UNCHANGED)),
    gates=(GateResult(gate="soak", passed=False, detail="1h to go"),),
    drift=(DRIFT,),
    secrets={"pw": signed("1")},
    warnings=("mind the gap",),
    created_at=NOW,
)


def _but(value, **words):
    return msgspec.structs.replace(value, **words)


def _field(**words):
    return {"changes": (Change(resource="service/api", action=UPDATE, fields=(_but(FIELD, **words),)),)}


RESTS_ON = {
    "project": ({"project": "blog"}, "the project is another"),
    "environment": ({"environment": "prod"}, "the environment is another"),
    "target": ({"target": _but(TARGET, host="other")}, "the target was test and is other"),
    "identity": ({"target": _but(TARGET, identity="id-2")}, "the target test is another one: it was id-1 and is id-2"),
    "trigger": ({"trigger": "rollback"}, "it was made to promote and is made to rollback"),
    "version": ({"release": _but(RELEASE, version="v2")}, "the release was v1 and is v2"),
    "digests": ({"release": _but(RELEASE, images={"api": _image("1")})}, "v1 has other digests"),
    "images": ({"release": _but(RELEASE, images={"api": _image("0"), "web": _image("0")})}, "v1 has other digests"),
    "base revision": ({"base_revision": 4}, "the head was #3 and is #4"),
    "restores": ({"restores": 2}, "it brings back another revision"),
    "resources": ({"rendered_digest": "sha256:q"}, "the declarations give other resources"),
    "secret": ({"secrets": {"pw": signed("2")}}, "a secret's value or the fingerprint key changed"),
    "key": ({"secrets": {"pw": signed("1", "key-2")}}, "a secret's value or the fingerprint key changed"),
    "old value": (_field(old="z"), "the changes are others"),
    "new value": (_field(new="z"), "the changes are others"),
    "path": (_field(path="tag"), "the changes are others"),
    "action": ({"changes": (Change(resource="service/api", action=DELETE),)}, "the changes are others"),
    "drift": ({"drift": ()}, "the live state drifted in another way"),
    "drifted field": (
        {"drift": (_but(DRIFT, fields=(DriftField(path="tty", recorded=None, live=False),)),)},
        "the live state drifted in another way",
    ),
    "adopts": ({"adopts": ("service/api",)}, "what it would take over is other"),
    "moves": ({"moves_from": Target(engine="memory", identity="old")}, "it would leave another target"),
    "accepts": ({"accepts": True}, "one of them accepts the drift"),
}
ENTRY_RESTS_ON = {
    "layers": {"layers": ("base", "test")},
    "from": {"upstream": Upstream(mode="all", environments=("dev",))},
    "upstream": {"upstream": Upstream(mode="any", environments=("dev", "qa"))},
    "no upstream": {"upstream": None},
    "soak": {"soak": 61.0},
    "confirm": {"confirm": "name"},
    "platforms": {"platforms": ("linux/arm64",)},
}
RESTS_NOT_ON = {
    "time": {"created_at": NOW + timedelta(hours=1)},
    "gates": {"gates": (GateResult(gate="soak", passed=True, detail="enough"),)},
    "warnings": {"warnings": ()},
    "origins": _field(origin=Location(file="envs/base.yaml", line=7, column=1)),
    "secrecy": _field(secret=True),
    "untouched": {"changes": PLAN.changes[:1]},
    "who changed it": {"drift": (_but(DRIFT, by="bob", at=NOW),)},
    "registration": {"registers": True},
    "who made the release": {"release": _but(RELEASE, created_by="bob", created_at=NOW + timedelta(days=1))},
    "its own id": {"id": "sha256:another"},
    "configuration that reaches no resource": {"config_digest": "sha256:d"},
}


@pytest.mark.parametrize("what", RESTS_ON)
def test_the_id_rests_on(what):
    words, told = RESTS_ON[what]
    other = _but(PLAN, **words)
    assert plan_id(other, ENTRY) != plan_id(PLAN, ENTRY)
    assert told in moved_parts(PLAN, other)


@pytest.mark.parametrize("what", ENTRY_RESTS_ON)
def test_the_id_rests_on_the_pipelines_entry(what):
    assert plan_id(PLAN, _but(ENTRY, **ENTRY_RESTS_ON[what])) != plan_id(PLAN, ENTRY)
    assert moved_parts(PLAN, copy.deepcopy(PLAN)) == ("the environment's entry in the pipeline changed",)


@pytest.mark.parametrize("what", RESTS_NOT_ON)
def test_the_id_does_not_rest_on(what):
    other = _but(PLAN, **RESTS_NOT_ON[what])
    assert plan_id(other, ENTRY) == plan_id(PLAN, ENTRY)


def test_the_id_does_not_rest_on_the_line_in_the_pipeline():
    assert plan_id(PLAN, _but(ENTRY, location=None)) == plan_id(PLAN, ENTRY)
    assert plan_id(PLAN, None) != plan_id(PLAN, ENTRY)


def test_the_id_is_the_same_after_json():
    again = msgspec.json.decode(msgspec.json.encode(PLAN), type=Plan)
    assert plan_id(again, ENTRY) == plan_id(PLAN, ENTRY)


def test_the_digest_of_resources_does_not_rest_on_their_order():
    assert rendered_digest([API, WEB]) == rendered_digest([WEB, API])
    assert len({rendered_digest(one) for one in ([], [API], [WEB], [API, WEB], [API2, WEB])}) == 5


def test_a_mark_is_compared_without_its_revision():
    assert Mark(project="shop", environment="test", history="history-1", revision=1) == OURS
