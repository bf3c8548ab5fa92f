"""reconcile: the record over the drift, or the drift into the record."""

import pytest

from releaser.model.errors import AcceptRefused, Refused
from releaser.operations import drift, promote, reconcile


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
