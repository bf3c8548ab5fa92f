"""What the engine says beforehand: shown with the plan, refused as a gate, made anew with consent and as it was."""

import msgspec
import pytest

from releaser.model.delivery import ABORTED, FAILED
from releaser.model.errors import GateRefused, StalePlan
from releaser.model.event import Point
from releaser.model.plan import REPLACE, UPDATE
from releaser.model.preview import Preview, Refusal, Replacement, Set
from releaser.operations import promote
from releaser.operations.apply import apply, request_of
from releaser.operations.resume import abort, resume
from releaser.planning.drift import REPLACED

API = "service/api"
ANEW = Preview(replaces={API: Replacement(why="selector: field is immutable")})


@pytest.fixture
def target(project):
    project.promote("v1", "test")
    return project.target("test")


def planned(project, version="v2", **words):
    return project.plan(promote.request("test", version, **words))


def test_a_refusal_is_a_gate_with_the_line(project, target):
    target.preview = Preview(refusals=(Refusal(resources=(API,), message="no such image", path=("image",)),))
    plan = planned(project)
    (gate,) = plan.refused_by
    assert (gate.gate, gate.detail) == ("engine", "no such image (envs/base.yaml:4)")
    writes = list(target.writes)
    with pytest.raises(GateRefused, match="no such image"):
        project.promote("v2", "test")
    assert target.writes == writes
    assert project.head("test").revision == 1


def test_many_refusals_are_counted(project, target):
    target.preview = Preview(
        refusals=tuple(Refusal(resources=(API, f"other/{number}"), message=f"no {number}") for number in range(9))
    )
    details = [gate.detail for gate in planned(project).refused_by]
    assert details == ["no 0", "no 1", "no 2", "no 3", "and more for 10 other resources"]


def test_nothing_is_asked_where_nothing_would_be_written(project, target):
    asked = target.calls.count("preview")
    assert planned(project, "v1").nothing_to_do
    assert target.calls.count("preview") == asked


def test_what_the_engine_sets_is_shown_and_no_part_of_the_id(project, target):
    before = planned(project)
    target.preview = Preview(sets={API: (Set(path=("labels", "a.b"), old=None, new="x"),)})
    plan = planned(project)
    (change,) = (one for one in plan.changes if one.resource == API)
    assert [(field.path, field.new) for field in change.server] == [('labels."a.b"', "x")]
    assert plan.id == before.id


def test_what_the_engine_sets_in_a_secrets_place_is_not_shown(project, target):
    path = ("environment", "PASSWORD")
    target.preview = Preview(sets={API: (Set(path=path, old="nobody-may-see", new="nobody-may-see-either"),)})
    plan = planned(project)
    (field,) = (field for change in plan.changes for field in change.server)
    assert (field.secret, field.old, field.new) == (True, None, REPLACED)
    assert b"nobody-may-see" not in msgspec.json.encode(plan)


def test_what_could_not_be_asked_is_a_warning(project, target):
    target.preview = Preview(unasked={"its webhook takes no dry run": (API,)})
    assert planned(project).warnings == (
        "the engine could not be asked beforehand about service/api: its webhook takes no dry run",
    )


def test_what_must_be_made_anew_needs_consent(project, target):
    target.preview = ANEW
    plan = planned(project)
    assert [change.action for change in plan.changes if change.resource == API] == [REPLACE]
    (gate,) = plan.refused_by
    assert gate.gate == "replace"
    with pytest.raises(GateRefused, match="say --replace to allow it"):
        project.promote("v2", "test")

    allowed = planned(project, replace=True)
    assert (allowed.refused_by, allowed.replaces) == ((), (API,))
    assert allowed.id != plan.id
    assert request_of(allowed).replace
    uid = target.things[API].uid
    assert apply(project.workspace(), allowed).outcome == "delivered"
    assert target.things[API].uid != uid
    assert target.writes[-1] == "replace service/api"


def test_consent_cannot_be_written_into_a_saved_plan(project, target):
    target.preview = ANEW
    forged = msgspec.structs.replace(planned(project), replaces=(API,))
    with pytest.raises(StalePlan, match="is stale"):
        apply(project.workspace(), forged)


def test_what_is_harmless_needs_none(project, target):
    target.preview = Preview(replaces={API: Replacement(why="template: field is immutable", harmless=True)})
    plan = planned(project)
    assert (plan.refused_by, plan.replaces) == ((), ())
    assert project.promote("v2", "test").outcome == "delivered"
    assert target.writes[-1] == "replace service/api"


def test_what_was_made_anew_in_vain_is_made_anew_as_it_was(project, target):
    target.preview = ANEW
    project.verifier.refuses.add("v2")
    result = project.promote("v2", "test", replace=True)
    assert (result.delivery.status, result.delivery.restored) == (FAILED, 1)
    assert [call for call in target.writes if API in call][-2:] == ["replace service/api"] * 2


def test_what_was_not_made_anew_yet_is_left_alone(project, target):
    target.preview, target.faults.fail_write = ANEW, 1
    result = project.promote("v2", "test", replace=True)
    assert (result.delivery.status, result.delivery.restored) == (FAILED, 1)
    assert [call for call in target.writes if API in call][1:] == ["replace service/api"]


@pytest.mark.parametrize(("point", "again"), [(Point.APPLYING, 1), (Point.APPLIED, 0)])
def test_resume_makes_anew_what_is_not_yet(project, target, point, again):
    target.preview = ANEW
    project.die_at(point)
    with project.dying():
        project.promote("v2", "test", replace=True)
    writes = target.writes.count("replace service/api")
    assert resume(project.workspace(), "test").outcome == "delivered"
    assert target.writes.count("replace service/api") == writes + again


@pytest.mark.parametrize(("point", "again"), [(Point.APPLYING, 0), (Point.APPLIED, 1)])
def test_abort_makes_anew_as_it_was(project, target, point, again):
    target.preview = ANEW
    project.die_at(point)
    with project.dying():
        project.promote("v2", "test", replace=True)
    writes = target.writes.count("replace service/api")
    assert abort(project.workspace(), "test").delivery.status == ABORTED
    assert target.writes.count("replace service/api") == writes + again
    assert UPDATE not in [call.partition(" ")[0] for call in target.writes]
