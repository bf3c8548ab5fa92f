"""Golden plans: a folder of tests/golden/plans is a case, and its README says what is in it."""

import json
from pathlib import Path

import msgspec
import pytest
import yaml

from releaser.model.plan import Plan
from releaser.operations import promote, reconcile, rollback

CASES = Path(__file__).parents[1] / "golden" / "plans"


def _request(project, words):
    words = dict(words)
    environment = words.pop("to", "test")
    if "promote" in words:
        return promote.request(environment, words.pop("promote"), **words)
    if "rollback" in words:
        return rollback.request(project.workspace(), environment, revision=words.pop("rollback"), **words)
    assert words.pop("reconcile")
    return reconcile.request(environment, **words)


def _changed(body, fields):
    """The body with the fields set that somebody set by hand; null removes one."""
    if not isinstance(body, dict) or not isinstance(fields, dict):
        return fields
    merged = {**body, **{key: _changed(body.get(key), value) for key, value in fields.items()}}
    return {key: value for key, value in merged.items() if value is not None}


def _copy(project, folder):
    for file in sorted(folder.glob("*.yaml")):
        project.write(file.name, file.read_text())


def _plan(project, case):
    told = yaml.safe_load((case / "case.yaml").read_text())
    assert told.keys() <= {"about", "head", "live", "secrets", "plan"}
    _copy(project, case / "envs")
    for words in told.get("head", []):
        assert project.run(_request(project, words)).outcome == "delivered"
    target = project.target("test")
    for name, fields in told.get("live", {}).items():
        if fields is None:
            target.remove(name)
        else:
            known = target.things.get(name)
            target.change(name, _changed(known.body if known else {}, fields))
    project.secrets.values.update(told.get("secrets", {}))
    _copy(project, case / "then")
    return project.plan(_request(project, told["plan"]))


def _printed(plan):
    """The plan as JSON, without the times; `by` stays, as it is no time."""
    tree = msgspec.to_builtins(plan)
    tree.pop("created_at")
    tree["release"].pop("created_at")
    for item in tree["drift"]:
        item.pop("at")
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("*/case.yaml")))
def test_plan(project, case, request):
    plan = _plan(project, CASES / case)
    golden = CASES / case / "plan.json"
    if request.config.getoption("--update-golden"):
        golden.write_text(_printed(plan))
    assert _printed(plan) == golden.read_text()
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    assert "nobody-may-see" not in golden.read_text()


def test_every_case_is_told_apart():
    ids = {path: json.loads(path.read_text())["id"] for path in CASES.glob("*/plan.json")}
    assert len(ids) >= 15
    assert len(set(ids.values())) == len(ids)
