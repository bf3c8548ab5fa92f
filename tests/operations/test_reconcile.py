"""reconcile: the record over the drift, or the drift into the record."""

from dataclasses import replace

import msgspec
import pytest

from releaser.engines.memory import RUNS
from releaser.model.delivery import FAILED
from releaser.model.errors import AcceptRefused, Locked, Refused
from releaser.model.event import Point
from releaser.operations import drift, promote, reconcile
from releaser.operations.execute import execute, propose


def _edit(project, **environment):
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "environment": {**body["environment"], **environment}})


def test_puts_the_record_back(project):
    project.promote("v1", "test")
    before = project.target("test").things["service/api"].body
    _edit(project, LEVEL="trace")
    result = project.reconcile("test")
    assert (result.outcome, result.delivery.trigger, result.delivery.release) == ("delivered", "reconcile", "v1")
    assert project.target("test").things["service/api"].body == before
    assert drift.of(project.workspace(), "test").clean is True


def test_without_drift_there_is_nothing_to_do(project):
    project.promote("v1", "test")
    assert project.reconcile("test").outcome == "unchanged"


def test_accept_takes_the_drift_in(project):
    project.promote("v1", "test")
    _edit(project, LEVEL="trace")
    project.target("test").calls.clear()
    result = project.reconcile("test", accept=True)
    assert (result.outcome, result.delivery.revision) == ("delivered", 2)
    assert project.target("test").writes == []
    assert drift.of(project.workspace(), "test").clean is True
    plan = project.plan(promote.request("test", "v1"))
    assert [(f.path, f.old, f.new) for c in plan.changes for f in c.fields if "LEVEL" in f.path] == [
        ("environment.LEVEL", "trace", "info")
    ]


def test_accept_never_takes_another_image_or_a_secret(project):
    project.promote("v1", "test")
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "image": "registry.test/shop/api@sha256:" + "0" * 64})
    with pytest.raises(AcceptRefused, match="no image of the release"):
        project.plan(reconcile.request("test", accept=True))
    target.change("service/api", body)
    _edit(project, PASSWORD="literal")
    with pytest.raises(AcceptRefused, match="secret"):
        project.plan(reconcile.request("test", accept=True))


def test_nothing_delivered_nothing_to_reconcile(project):
    with pytest.raises(Refused, match="nothing was delivered"):
        project.reconcile("test")


def test_nothing_known_to_run_nothing_to_reconcile(project):
    project.promote("v1", "test")
    project.die_at(Point.COMMITTED)
    with project.dying():
        project.promote("v2", "test")
    with pytest.raises(Refused, match="what should run there is not known") as refused:
        project.reconcile("test")
    assert "release resume test" in refused.value.hint


def test_after_a_failure_it_puts_back_what_was_restored(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
    project.verifier.refuses.add("v2")
    project.promote("v2", "test")
    before = project.target("test").things["service/api"].body
    _edit(project, LEVEL="trace")
    delivery = project.reconcile("test").delivery
    assert (delivery.release, delivery.config_digest) == ("v1", project.history.delivery("test", 1).config_digest)
    assert project.target("test").things["service/api"].body == before


def test_everything_comes_back_in_the_order_in_which_it_is_needed(project):
    project.edit("base.yaml", "services:", "volumes: {data: {}}\nnetworks: {front: {}}\nservices:")
    project.promote("v1", "test")
    target = project.target("test")
    target.things.clear()
    target.calls.clear()
    project.reconcile("test")
    first = list(target.writes)
    assert first == ["create network/front", "create volume/data", "create secret/password", "create service/api"]
    target.calls.clear()
    project.verifier.refuses.add("v2")
    project.watcher.at[Point.RESTORING] = target.things.clear
    project.promote("v2", "test")
    assert target.writes[-4:] == first


def test_what_was_added_by_hand_and_bears_our_mark_is_removed(project):
    project.promote("v1", "test")
    target = project.target("test")
    target.put("service/copy", replace(target.things["service/api"]))
    project.reconcile("test")
    assert target.things.keys() == {"service/api", "secret/password"}
    assert drift.of(project.workspace(), "test").clean is True


# --- accept ---


def test_accept_takes_missing_and_recreated_things_in(project):
    project.edit("base.yaml", "secrets:", "  worker: {image: api}\nsecrets:")
    project.promote("v1", "test")
    target = project.target("test")
    before = project.history.record("test", 1).inventory.items["service/api"].resource
    target.remove("service/worker")
    target.recreate("service/api")
    assert project.reconcile("test", accept=True).outcome == "delivered"
    assert drift.of(project.workspace(), "test").clean is True
    items = project.history.record("test", 2).inventory.items
    assert items.keys() == {"service/api", "secret/password"}
    assert items["service/api"].resource == before  # it is the same but for its id
    plan = project.plan(promote.request("test", "v1"))
    assert {c.resource: c.action for c in plan.changes if c.action != "unchanged"} == {"service/worker": "create"}


@pytest.mark.parametrize("what", ["changed", "missing", "added"])
def test_accept_never_takes_a_secret(project, what):
    project.capabilities = msgspec.structs.replace(RUNS, owns_orphans=True)
    project.promote("v1", "test")
    target = project.target("test")
    if what == "changed":
        target.change("secret/password", {"from": "env", "name": "OTHER"})
    elif what == "missing":
        target.remove("secret/password")
    else:
        target.change("secret/other", {"from": "env", "name": "OTHER"})
    with pytest.raises(AcceptRefused, match="secret/"):
        project.plan(reconcile.request("test", accept=True))


def test_accept_takes_the_removal_of_a_reference(project):
    project.promote("v1", "test")
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "environment": {"LEVEL": "info"}})
    project.reconcile("test", accept=True)
    assert project.history.record("test", 2).inventory.items["service/api"].resource.secrets == {}


def test_drift_that_moves_on_is_not_accepted_and_not_overwritten(project):
    project.promote("v1", "test")
    _edit(project, LEVEL="trace")
    project.watcher.at[Point.INTENT] = lambda: _edit(project, LEVEL="warn")
    project.target("test").calls.clear()
    result = project.reconcile("test", accept=True)
    assert (result.outcome, result.delivery.status, result.delivery.restored) == ("failed", FAILED, 1)
    assert "changed again while its drift was taken in; nothing was written" in result.delivery.message
    assert project.target("test").writes == []
    assert (result.delivery.current.revision, result.delivery.current.release) == (1, "v1")
    assert [item.resource for item in drift.of(project.workspace(), "test").items] == ["service/api"]


def test_accepting_without_drift_is_nothing_to_do(project):
    project.promote("v1", "test")
    assert project.reconcile("test", accept=True).outcome == "unchanged"


def test_the_reason_is_recorded(project):
    project.promote("v1", "test")
    _edit(project, LEVEL="trace")
    request = reconcile.request("test", accept=True)
    ws = project.workspace()
    execute(ws, request, propose(ws, request).plan, "more words while we look for it")
    assert project.head("test").reason == "more words while we look for it"
    assert project.history.record("test", 2).plan.accepts is True


def test_an_orphan_in_a_place_that_is_ours(project):
    project.capabilities = msgspec.structs.replace(RUNS, owns_orphans=True)
    project.promote("v1", "test")
    target = project.target("test")
    image = target.things["service/api"].body["image"]
    target.change("service/debug", {"image": image})
    project.reconcile("test", accept=True)
    assert "service/debug" in project.history.record("test", 2).inventory.items
    target.change("service/evil", {"image": "evil:latest"})
    with pytest.raises(AcceptRefused, match="no image of the release"):
        project.plan(reconcile.request("test", accept=True))
    project.reconcile("test")
    assert target.things.keys() == {"service/api", "service/debug", "secret/password"}


def test_while_somebody_delivers_the_holder_is_named(project):
    project.promote("v1", "test")
    seen = []

    def look() -> None:
        with pytest.raises(Locked, match=r"ann .* delivers to test: promote"):
            project.plan(reconcile.request("test"))
        seen.append(project.plan(promote.request("test", "v3")))

    project.watcher.at[Point.APPLIED] = look
    project.promote("v2", "test")
    (plan,) = seen
    assert plan.drift == ()
    assert any("is being delivered by ann" in warning for warning in plan.warnings)


# --- accept, where live bodies are in other words than the declarations ---


def test_what_the_words_can_say_is_taken_in(project):
    project.capabilities = msgspec.structs.replace(RUNS, accepts=frozenset({"environment"}))
    project.promote("v1", "test")
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "environment": {**body["environment"], "LEVEL": "loud", "MORE": "1"}})
    assert project.reconcile("test", accept=True).outcome == "delivered"
    item = project.history.record("test", 2).inventory.items["service/api"]
    assert item.resource.body["environment"] == {"LEVEL": "loud", "MORE": "1", "PASSWORD": {"secret": "password"}}
    assert "restart" not in item.resource.body  # the engine's own default is no declared word
    assert item.snapshot["restart"] == "any"
    assert project.reconcile("test").outcome == "unchanged"
    plan = project.plan(promote.request("test", "v1"))
    assert [field.path for field in plan.changes[-1].fields] == ["environment.LEVEL", "environment.MORE"]
    project.promote("v1", "test")
    assert target.things["service/api"].body == body


def test_what_the_words_cannot_say_is_refused(project):
    project.capabilities = msgspec.structs.replace(RUNS, accepts=frozenset({"environment"}))
    project.promote("v1", "test")
    target = project.target("test")
    target.change("service/api", {**target.things["service/api"].body, "restart": "none"})
    with pytest.raises(AcceptRefused, match="service/api: restart cannot be taken in as it is live"):
        project.plan(reconcile.request("test", accept=True))
    target.change("service/api", {**target.things["service/api"].body, "restart": "any"})
    target.change("service/extra", {"image": target.things["service/api"].body["image"]})
    with pytest.raises(AcceptRefused, match="service/extra is not in the record"):
        project.plan(reconcile.request("test", accept=True))
