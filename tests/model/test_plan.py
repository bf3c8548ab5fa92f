"""Plans survive JSON whole, and say what would be written and what refuses it."""

from datetime import UTC, datetime

import msgspec
import pytest

from releaser.model.drift import CHANGED, DriftField, DriftItem
from releaser.model.gate import GateResult
from releaser.model.plan import CREATE, DELETE, REPLACE, UNCHANGED, UPDATE, Change, FieldChange, Plan
from releaser.model.release import Release
from releaser.model.resource import SecretPrint, Target
from releaser.model.value import Location

NOW = datetime(2026, 1, 1, 12, 30, 0, 5, tzinfo=UTC)
DRIFT = DriftItem(
    resource="service/api", kind=CHANGED, fields=(DriftField(path="a", recorded=None, live=[1, {"b": True}]),), at=NOW
)


def _plan(**words):
    return Plan(
        **{
            "id": "sha256:x",
            "project": "shop",
            "environment": "test",
            "target": Target(engine="memory", identity="test", host="test"),
            "trigger": "promote",
            "release": Release(version="v1", images={}, created_at=NOW, created_by="ann"),
            "base_revision": 3,
            "rendered_digest": "sha256:r",
            "config_digest": "sha256:c",
            "changes": (),
            "created_at": NOW,
            **words,
        }
    )


def test_survives_json():
    origin = Location(file="envs/base.yaml", line=6, column=14)
    field = FieldChange(path="environment.LEVEL", old={"a": None}, new=["x", 1, 1.5], origin=origin, secret=True)
    plan = _plan(
        changes=(Change(resource="service/api", action=UPDATE, fields=(field,)),),
        gates=(GateResult(gate="soak", passed=False, detail="1h to go"),),
        drift=(DRIFT,),
        secrets={"password": SecretPrint(key="k", fingerprint=None)},
        adopts=("service/api",),
        moves_from=Target(engine="directory", identity="old", path="deploy/test"),
    )
    data = msgspec.json.encode(plan)
    assert msgspec.json.decode(data)["schema"] == "releaser/plan/v1"
    assert msgspec.json.decode(data, type=Plan) == plan


def test_a_time_needs_a_zone():
    data = msgspec.json.encode(_plan()).replace(b"05Z", b"05")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(data, type=Plan)


@pytest.mark.parametrize("action", [CREATE, UPDATE, REPLACE, DELETE])
def test_any_change_is_a_write(action):
    changes = (Change(resource="service/api", action=UNCHANGED), Change(resource="service/web", action=action))
    assert _plan(changes=changes).writes


def test_what_is_no_write():
    assert not _plan(changes=(Change(resource="service/api", action=UNCHANGED),)).writes
    assert _plan(drift=(DRIFT,)).writes
    assert not _plan(drift=(DRIFT,), accepts=True).writes


def test_the_gates_that_refuse():
    gates = (GateResult(gate="from", passed=True, detail="a"), GateResult(gate="soak", passed=False, detail="b"))
    assert _plan(gates=gates).refused_by == (gates[1],)
    assert _plan().refused_by == ()
