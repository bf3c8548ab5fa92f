"""Someone else's things under our names: refused, until they are taken over, on the record."""

from datetime import UTC, datetime

import pytest

from releaser.engines.memory import Thing
from releaser.model.errors import ForeignTarget
from releaser.model.plan import CREATE, UPDATE
from releaser.model.resource import Mark
from releaser.operations import drift, promote
from releaser.planning import fingerprint

SECRET = {"from": "env", "name": "SHOP_PASSWORD"}
OTHER = Mark(project="shop", environment="test", history="another-history", revision=4)


def _put(project, name, body, mark=None):
    at = datetime(2025, 1, 1, tzinfo=UTC)
    project.target("test").put(name, Thing(body, fingerprint.of(body), mark, "", 1, at, "bob"))


@pytest.mark.parametrize("mark", [None, OTHER])
def test_refused_until_it_is_asked_for(project, mark):
    _put(project, "service/api", {"image": "theirs"}, mark)
    with pytest.raises(ForeignTarget, match="service/api") as refused:
        project.promote("v1", "test")
    assert "--adopt" in refused.value.hint
    assert project.history.head("test") is None
    assert project.target("test").writes == []


@pytest.mark.parametrize("mark", [None, OTHER])
def test_taken_over_and_recorded(project, mark):
    _put(project, "service/api", {"image": "theirs"}, mark)
    _put(project, "secret/password", SECRET, mark)  # exactly what we would write ourselves
    plan = project.plan(promote.request("test", "v1", adopt=True))
    assert plan.adopts == ("secret/password", "service/api")
    assert {c.resource: c.action for c in plan.changes} == {"secret/password": UPDATE, "service/api": UPDATE}
    project.promote("v1", "test", adopt=True)
    assert project.history.record("test", 1).plan.adopts == ("secret/password", "service/api")
    marks = {thing.mark.history for thing in project.target("test").things.values()}
    assert marks == {project.history.id}
    assert project.promote("v1", "test").outcome == "unchanged"
    assert drift.of(project.workspace(), "test").clean is True


def test_another_history_took_over_what_we_delivered(project):
    project.promote("v1", "test")
    project.target("test").things["service/api"].mark = OTHER
    with pytest.raises(ForeignTarget, match="service/api"):
        project.promote("v1", "test")
    with pytest.raises(ForeignTarget):
        project.rollback("test", revision=1)
    with pytest.raises(ForeignTarget):
        project.reconcile("test")
    assert project.promote("v1", "test", adopt=True).outcome == "delivered"
    assert project.promote("v1", "test").outcome == "unchanged"


def test_asking_to_adopt_where_nothing_is_in_the_way_changes_nothing(project):
    project.promote("v1", "test", adopt=True)
    assert project.history.record("test", 1).plan.adopts == ()
    assert project.promote("v1", "test", adopt=True).outcome == "unchanged"


def test_what_others_run_beside_ours_is_left_alone(project):
    _put(project, "service/theirs", {"image": "theirs"}, OTHER)
    _put(project, "service/nobodys", {"image": "nobodys"})
    plan = project.plan(promote.request("test", "v1"))
    assert {c.resource: c.action for c in plan.changes} == {"secret/password": CREATE, "service/api": CREATE}
    project.promote("v1", "test")
    assert {"service/theirs", "service/nobodys"} <= project.target("test").things.keys()
    assert [call for call in project.target("test").writes if "their" in call or "nobody" in call] == []
