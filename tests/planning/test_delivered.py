"""Planning over deliveries to an engine: what is delivered is there, and then there is nothing to do."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.engines.memory import RUNS, MemoryEngine, MemoryTarget
from releaser.model.plan import UNCHANGED
from releaser.model.resource import EMPTY, Resource
from releaser.model.value import dotted
from releaser.planning import drift, fingerprint, planner, settling
from releaser.ports import Desired, Scope, Work
from tests.contracts.planning_samples import OURS, signed

SCOPE = Scope(project=OURS.project, environment=OURS.environment, history=OURS.history)
KEYS = st.sampled_from(["image", "environment", "a.b", '"', "ports", "restart"])
VALUES = st.recursive(
    st.sampled_from(["a", "b", "", "any"]) | st.integers(0, 2) | st.booleans(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(KEYS, VALUES, max_size=4)
NAMES = st.sampled_from(["service/api", "service/web", "config/app", "volume/data"])


@st.composite
def resources(draw):
    """What some engine might be given; a service may refer to the secret."""
    found = []
    for name, body in draw(st.dictionaries(NAMES, BODIES, max_size=4)).items():
        places = {}
        if name.startswith("service/") and draw(st.booleans()):
            body["secret"] = {"secret": "pw"}
            places = {dotted(("secret",)): "pw"}
        found.append(Resource(id=name, body=body, fingerprint=fingerprint.of(body), secrets=places))
    return tuple(found)


class Silent:
    def event(self, event):
        """Nobody watches."""


class Unstopped:
    def requested(self):
        return False


class Values:
    def value(self, name):
        return b"value"


class Place:
    """A target with what was recorded of the last delivery to it."""

    def __init__(self, owns):
        self.target = MemoryTarget("test")
        self.engine = MemoryEngine(self.target, msgspec.structs.replace(RUNS, owns_orphans=owns))
        self.inventory = EMPTY
        self.revision = 0

    def observe(self):
        return self.engine.observe(SCOPE, self.inventory)

    def changes(self, wanted):
        found = planner.Wanted(
            resources=wanted,
            inventory=self.inventory,
            observation=self.observe(),
            secrets={"pw": signed("1")},
            owns_orphans=self.engine.capabilities.owns_orphans,
            ours=OURS,
        )
        return planner.changes(found, lambda _resource, _path: None)

    def deliver(self, wanted):
        self.revision += 1
        work = Work(
            mark=msgspec.structs.replace(OURS, revision=self.revision),
            desired=tuple(Desired(resource=resource) for resource in wanted),
            changes=self.changes(wanted),
            base=self.inventory,
            wait=1.0,
        )
        self.engine.apply(work, Values(), Unstopped(), Silent())
        self.inventory = settling.inventory_of(self.observe(), wanted, self.revision, self.inventory)
        self.inventory = msgspec.structs.replace(self.inventory, secrets={"pw": signed("1")})


@settings(deadline=None, max_examples=60)
@given(st.lists(resources(), min_size=1, max_size=3), st.booleans())
def test_what_was_delivered_is_there_and_nothing_is_left_to_do(deliveries, owns):
    place = Place(owns)
    for wanted in deliveries:
        place.deliver(wanted)
        live = place.observe().resources
        assert {name: one.fingerprint for name, one in live.items()} == {one.id: one.fingerprint for one in wanted}
        assert all(change.action == UNCHANGED and change.fields == () for change in place.changes(wanted))
        assert drift.detect(place.inventory, place.observe()) == ()


@settings(deadline=None, max_examples=60)
@given(resources(), resources(), st.data())
def test_what_somebody_changed_is_seen_and_put_right(first, second, data):
    place = Place(owns=True)
    place.deliver(first)
    edited = data.draw(st.dictionaries(NAMES, BODIES, max_size=2), "edited by hand")
    before = {name: thing.body for name, thing in place.target.things.items()}
    for name, body in edited.items():
        place.target.change(name, body)
    removed = data.draw(st.sets(st.sampled_from(sorted(place.target.things)), max_size=1)) if before else set()
    for name in removed:
        place.target.remove(name)
    after = {name: thing.body for name, thing in place.target.things.items()}
    different = {
        name
        for name in before.keys() | after.keys()
        if (name in before) != (name in after) or fingerprint.of(before[name]) != fingerprint.of(after[name])
    }
    assert {item.resource for item in drift.detect(place.inventory, place.observe())} == different
    place.deliver(second)
    assert drift.detect(place.inventory, place.observe()) == ()
    assert place.target.things.keys() == {resource.id for resource in second}
    twin = Place(owns=True)
    twin.deliver(second)
    assert {name: thing.body for name, thing in place.target.things.items()} == {
        name: thing.body for name, thing in twin.target.things.items()
    }
