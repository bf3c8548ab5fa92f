"""Any history of commands, failures, crashes and hands that meddle leaves what can be trusted."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from releaser.model.delivery import ABORTED, FAILED, INTERRUPTED, RUNNING, SUCCEEDED
from releaser.model.errors import Refused
from releaser.model.event import Point
from releaser.operations import drift, promote, settle
from releaser.operations.resume import abort, resume
from releaser.planning.settling import UNSURE
from releaser.ports import DeliveryQuery

VERSIONS = st.sampled_from(["v1", "v2", "v3"])
POINTS = st.sampled_from(
    [
        Point.LEASED,
        Point.INTENT,
        Point.APPLYING,
        Point.STAGED,
        Point.COMMITTED,
        Point.PRUNED,
        Point.APPLIED,
        Point.WAITING,
        Point.VERIFYING,
        Point.VERIFIED,
        Point.OBSERVED,
        Point.RESTORING,
        Point.RESTORED,
        Point.FINISHED,
    ]
)
LAYERS = {
    "one": "services:\n  api: {image: api, environment: {PASSWORD: {secret: password}}}\n",
    "two": "services:\n  api: {image: api}\n  web: {image: api, environment: {PASSWORD: {secret: password}}}\n",
    "other": "services:\n  api: {image: api, environment: {LEVEL: debug, PASSWORD: {secret: password}}}\n",
}
REST = "secrets: {password: {from: env, name: SHOP_PASSWORD}}\nverify: {command: [check]}\n"


class Deliveries(RuleBasedStateMachine):
    """One environment; `meddled` says whether somebody changed something that no delivery has looked at since."""

    make = None

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.project = type(self).make(Path(self.folder.name))
        self.project.write("base.yaml", LAYERS["one"] + REST)
        self.declared = "test"  # the target
        self.meddled = False
        self.abandoned = False  # a move that did not get through was left for good, which its plan told

    @property
    def target(self):
        """Where the newest delivery left something, else where the next one goes."""
        head = self.project.history.head("test")
        record = self.project.history.record("test", head.revision) if head else None
        inventory = (record.inventory or record.base) if record else None
        return self.project.target(inventory.target.identity if inventory and inventory.items else self.declared)

    def teardown(self):
        self.folder.cleanup()

    # --- what a process does: it may die, fail, be stopped ---

    def _run(self, verb, dies_at=None):
        project = self.project
        if dies_at is not None:
            project.die_at(dies_at)
        try:
            outcome = verb()
        except Refused:
            outcome = None
        except BaseException as died:
            if type(died).__name__ != "Died":
                raise
            project.history.close()
            project.history = project.history.client()
            outcome = None
        project.watcher = type(project.watcher)()
        if (head := project.history.head("test")) is not None:
            self._note(project.history.record("test", head.revision).plan)
        if outcome is not None and outcome.outcome in {"delivered", "failed"}:
            head = project.history.head("test")
            moving = project.history.record("test", head.revision).plan.moves_from is not None
            self.meddled = self.meddled and moving and outcome.outcome == "failed"  # which leaves the old one alone
        return outcome

    def _note(self, plan):
        self.abandoned = self.abandoned or any("did not get through its move" in warning for warning in plan.warnings)

    @rule(version=VERSIONS, dies_at=st.none() | POINTS)
    def promote(self, version, dies_at):
        self._run(lambda: self.project.promote(version, "test", move=True), dies_at)

    @rule(dies_at=st.none() | POINTS)
    def rollback(self, dies_at):
        self._run(lambda: self.project.rollback("test", move=True), dies_at)

    @rule(dies_at=st.none() | POINTS)
    def reconcile(self, dies_at):
        self._run(lambda: self.project.reconcile("test"), dies_at)

    @rule(dies_at=st.none() | POINTS)
    def accept(self, dies_at):
        self._run(lambda: self.project.reconcile("test", accept=True), dies_at)

    @rule(dies_at=st.none() | POINTS)
    def resume(self, dies_at):
        self._run(lambda: resume(self.project.workspace(), "test"), dies_at)

    @rule(dies_at=st.none() | POINTS)
    def abort(self, dies_at):
        self._run(lambda: abort(self.project.workspace(), "test"), dies_at)

    @rule(version=VERSIONS, write=st.integers(1, 3), took_effect=st.booleans())
    def refused_write(self, version, write, took_effect):
        faults = self.project.target(self.declared).faults
        faults.fail_write, faults.took_effect = write, took_effect
        self._run(lambda: self.project.promote(version, "test", move=True))
        faults.fail_write, faults.took_effect = None, False

    @rule(version=VERSIONS)
    def verify_refuses(self, version):
        self.project.verifier.refuses.add(version)
        self._run(lambda: self.project.promote(version, "test", move=True))
        self.project.verifier.refuses.clear()

    # --- what people do ---

    def _cut_off(self):
        """A change before a crash is settled is taken for what the engine made of the delivery: nobody can tell."""
        head = self.project.history.head("test")
        return head is not None and head.status == RUNNING

    @rule(layer=st.sampled_from(sorted(LAYERS)), keep=st.booleans())
    def declare(self, layer, keep):
        self.project.write("base.yaml", LAYERS[layer] + REST + ("on_failure: keep\n" if keep else ""))

    @rule(name=st.sampled_from(["test", "elsewhere"]))
    def move(self, name):
        self.declared = name
        self.project.write("test.yaml", f"engine: {{kind: directory, path: deploy/{name}}}\n")

    @rule(value=st.sampled_from(["hunter-two", "rotated-one"]))
    def rotate(self, value):
        self.project.secrets.values["SHOP_PASSWORD"] = value

    @precondition(lambda self: "service/api" in self.target.things and not self._cut_off())
    @rule(how=st.sampled_from(["change", "remove", "recreate"]))
    def meddle(self, how):
        target = self.target
        if how == "change":
            target.change("service/api", {**target.things["service/api"].body, "restart": "no"})
        else:
            getattr(target, how)("service/api")
        self.meddled = True

    # --- what always holds ---

    def _deliveries(self):
        return self.project.history.deliveries(DeliveryQuery(environments=("test",)))

    @invariant()
    def the_chain_is_whole(self):
        assert self.project.history.verify().broken_at is None

    @invariant()
    def revisions_are_counted_and_only_the_head_is_open(self):
        found = self._deliveries()
        assert [delivery.revision for delivery in found] == list(range(len(found), 0, -1))
        assert all(delivery.status != RUNNING for delivery in found[1:])
        assert {delivery.status for delivery in found} <= {SUCCEEDED, FAILED, INTERRUPTED, ABORTED, RUNNING}

    @invariant()
    def nobody_holds_a_lease(self):
        assert not any(lease.alive for lease in self.project.history.leases())

    @invariant()
    def what_is_said_to_run_does_run(self):
        """Unless somebody meddled, what the settled head knows to run is live, with its image, and clean."""
        head = settle.settled_head(self.project.workspace(), "test")
        if head is None or head.delivery.current is None or self.meddled:
            return
        current = self.project.history.record("test", head.delivery.current.revision)
        images = {image.reference for image in current.plan.release.images.values()}
        things = self.project.target(head.inventory.target.identity).things
        wanted = {resource.id for resource in current.resources}
        assert things.keys() == wanted
        assert {thing.body["image"] for name, thing in things.items() if name.startswith("service/")} <= images
        assert current.plan.release.version == head.delivery.current.release
        if head.delivery.finished_at:
            assert drift.of(self.project.workspace(), "test").clean is True

    @invariant()
    def a_known_state_has_the_value_that_its_record_says(self):
        head = self.project.history.head("test")
        things = self.target.things
        if head is None or head.status not in {SUCCEEDED, ABORTED, FAILED} or "secret/password" not in things:
            return
        recorded = self.project.history.record("test", head.revision).inventory.secrets
        passed = self.target.passed["password"]
        if "password" in recorded and recorded["password"].fingerprint != UNSURE:
            assert recorded["password"] == self.project.key.sign("test", "password", passed)

    @rule(version=VERSIONS)
    def the_next_command_gets_there(self, version):
        """Whatever happened, a promote delivers, and then there is nothing to do."""
        plan = self.project.plan(promote.request("test", version, move=True))
        result = self.project.promote(version, "test", move=True)
        assert result.outcome in {"delivered", "unchanged"}
        self.meddled = False
        assert drift.of(self.project.workspace(), "test").clean is True
        assert self.project.plan(promote.request("test", version)).nothing_to_do
        target = self.project.target(self.declared)
        assert target.passed["password"].decode() == self.project.secrets.values["SHOP_PASSWORD"]
        body = target.things["service/api"].body
        digest = self.project.history.release_of(version).images["api"].digest
        assert (body["image"].rpartition("@")[2], body["restart"]) == (digest, "any")
        other = self.project.target({"test": "elsewhere", "elsewhere": "test"}[self.declared])
        self._note(plan)
        assert other.things == {} or self.abandoned


def test_any_history(make_project):
    machine = type("Deliveries", (Deliveries,), {"make": staticmethod(make_project)})
    machine.__module__ = __name__
    run_state_machine_as_test(machine, settings=settings(deadline=None, max_examples=40, stateful_step_count=20))
