"""Instances are replaced one after another: what runs goes on until what comes is ready, or as far as it can."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from releaser.model.environment import Environment
from releaser.model.errors import ApplyFailed, Interrupted, NotReady
from releaser.model.event import Point
from releaser.model.resource import EMPTY
from releaser.model.value import Json
from releaser.ports import Work
from tests.contracts.engine_contract import (
    ENVIRONMENT,
    Delivering,
    Running,
    Silent,
    Values,
    environment,
)
from tests.engines.docker.conftest import DockerLab
from tests.engines.images import HEALTHY, NEVER_HEALTHY

pytestmark = pytest.mark.engines


def declared(**services: Mapping[str, Json]) -> Environment:
    words = {name: {"image": "api", "stop_grace_period": "2s", **body} for name, body in services.items()}
    used = {key for body in words.values() for key in body.get("volumes", {})}
    return environment(services=words, volumes={key: {} for key in sorted(used)})


def level(number: int) -> dict[str, Json]:
    return {"environment": {"LEVEL": str(number)}}


def applied(delivering: Delivering, wanted: Environment, **more: Json) -> Silent:
    """An apply alone; what it raises comes out."""
    progress = Silent()
    work = delivering.work(delivering.render(wanted).resources)
    delivering.lab.engine().apply(changed(work, **more), Values(), Running(), progress)
    return progress


def changed(work: Work, **more: Json) -> Work:
    return Work(**{**{name: getattr(work, name) for name in work.__struct_fields__}, **more})


class Prober:
    """Looks something up every 50 ms from another container, and keeps what it saw."""

    def __init__(self, lab: DockerLab, network: str, command: str) -> None:
        self._lab = lab
        loop = f"while true; do {command}; sleep 0.05; done"
        self._id = lab.run(
            lab.images.sleep("probe"),
            f"{lab.project}-probe",
            HostConfig={"NetworkMode": network},
            Cmd=["/bin/sh", "-c", loop],
        )

    def seen(self) -> list[str]:
        return self._lab.client.logs(f"/containers/{self._id}/logs", 100_000).splitlines()

    def until(self, lines: int) -> None:
        """Wait until it has looked so often."""
        end = time.monotonic() + 20
        while len(self.seen()) < lines:
            assert time.monotonic() < end, self.seen()
            time.sleep(0.05)


# --- start-first ---


def test_the_name_never_leads_to_nothing(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"api": lab.images.serve("v1")}
    delivering.deliver(declared(api={"healthcheck": HEALTHY}))
    old = lab.one("api")
    probe = Prober(
        lab, f"{lab.project}-{ENVIRONMENT}_default", "nslookup api 127.0.0.11 >/dev/null && echo ok || echo none"
    )
    probe.until(3)
    before = len(probe.seen())

    delivering.deliver(declared(api={"healthcheck": HEALTHY, **level(2)}))

    probe.until(len(probe.seen()) + 3)
    assert len(probe.seen()) > before + 5
    assert set(probe.seen()) == {"ok"}
    new = lab.one("api")
    assert new["State"]["StartedAt"] < lab.client.call("GET", f"/containers/{old['Id']}/json")["State"]["FinishedAt"]


def test_the_old_instance_is_told_to_end_while_it_can_be_reached(lab: DockerLab, delivering: Delivering) -> None:
    """It still answers after its signal: it ends by itself, and nobody disconnects it."""
    lingering = "trap 'echo told; sleep 1; echo bye; exit 0' TERM; while true; do sleep 0.1; done"
    delivering.deliver(declared(api={"command": ["/bin/sh", "-c", lingering], "stop_grace_period": "5s"}))
    old = lab.one("api")
    delivering.deliver(declared(api={"command": ["/bin/sh", "-c", lingering], "stop_grace_period": "5s", **level(2)}))

    (kept,) = lab.service("api", kept=True)
    assert kept["Id"] == old["Id"]
    assert kept["State"]["ExitCode"] == 0
    assert lab.client.logs(f"/containers/{old['Id']}/logs").split() == ["told", "bye"]
    assert kept["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert [*kept["NetworkSettings"]["Networks"]] == [f"{lab.project}-{ENVIRONMENT}_default"]


def test_its_own_signal_then_the_end(lab: DockerLab, delivering: Delivering) -> None:
    deaf = "trap 'echo usr1' USR1; trap '' TERM; while true; do sleep 0.1; done"
    words = {"command": ["/bin/sh", "-c", deaf], "stop_signal": "SIGUSR1", "stop_grace_period": "1s"}
    delivering.deliver(declared(api=words))
    began = time.monotonic()
    delivering.deliver(declared(api={**words, **level(2)}))

    assert time.monotonic() - began >= 1
    (kept,) = lab.service("api", kept=True)
    assert kept["State"]["ExitCode"] == 137
    said = lab.client.logs(f"/containers/{kept['Id']}/logs").split()
    assert set(said) == {"usr1"}  # Docker's own stop sends it once more, right before the end


def test_an_instance_that_is_always_started_again_ends_all_the_same(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api={"restart": "always"}))
    delivering.deliver(declared(api={"restart": "always", **level(2)}))

    (kept,) = lab.service("api", kept=True)
    assert (kept["State"]["Status"], kept["RestartCount"]) == ("exited", 0)
    assert lab.one("api")["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert ".always.r2.kept" in kept["Name"]


# --- stop-first ---


def overlap(lab: DockerLab, name: str) -> bool:
    """Whether the new instance was started before the old one ended."""
    (old,) = lab.service(name, kept=True)
    return lab.one(name)["State"]["StartedAt"] < old["State"]["FinishedAt"]


@pytest.mark.parametrize(
    ("words", "overlaps"),
    [
        ({}, True),
        ({"ports": {"http": {"target": 8080}}}, True),
        ({"ports": {"http": {"target": 8080, "published": "auto"}}}, False),
        ({"volumes": {"data": {"target": "/data"}}}, False),
        ({"volumes": {"data": {"target": "/data", "read_only": True}}}, True),
        ({"volumes": {"data": {"target": "/data"}}, "deploy": {"update_config": {"order": "start-first"}}}, True),
        ({"deploy": {"update_config": {"order": "stop-first"}}}, False),
        ({"network_mode": "host"}, False),
        ({"devices": ["/dev/null:/dev/nothing"]}, False),
    ],
)
def test_two_at_a_time_where_nothing_is_in_the_way(
    lab: DockerLab, delivering: Delivering, words: Mapping[str, Json], overlaps: bool
) -> None:
    delivering.deliver(declared(api=words))
    delivering.deliver(declared(api={**words, **level(2)}))

    assert overlap(lab, "api") is overlaps


def test_a_container_name_stays(lab: DockerLab, delivering: Delivering) -> None:
    words = {"container_name": f"{lab.project}-db"}
    delivering.deliver(declared(db=words))
    delivering.deliver(declared(db={**words, **level(2)}))

    assert lab.one("db")["Name"] == f"/{lab.project}-db"
    assert not overlap(lab, "db")
    assert [one["Name"] for one in lab.service("db", kept=True)] == [f"/{lab.project}-db.no.r2.kept"]


def test_data_in_volumes_that_nobody_named_goes_along(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"db": lab.images.sleep("db", Volumes={"/data": {}})}
    delivering.deliver(declared(db={"image": "db"}))
    (mount,) = lab.one("db")["Mounts"]
    snapshot = delivering.inventory.items["service/db"].snapshot

    delivering.deliver(declared(db={"image": "db", **level(2)}))

    assert [one["Name"] for one in lab.one("db")["Mounts"]] == [mount["Name"]]
    assert not overlap(lab, "db")
    assert "volumes" not in snapshot
    assert "volumes" not in delivering.inventory.items["service/db"].snapshot


# --- how many ---


def test_scaling_touches_no_other_instance(lab: DockerLab, delivering: Delivering) -> None:
    def replicas(number: int) -> Environment:
        return declared(api={"deploy": {"replicas": number}}, web={"image": "web"})

    delivering.deliver(replicas(2))
    first, web = lab.ids("api"), lab.ids("web")
    delivering.deliver(replicas(4))
    assert lab.ids("api")[:2] == first
    assert len(lab.ids("api")) == 4
    assert {one["Name"].split("-")[-2] for one in lab.service("api")} == {"r2"}
    delivering.deliver(replicas(1))
    assert lab.ids("api") == first[:1]
    assert lab.ids("web") == web
    assert delivering.observe().resources["service/api"].mark == delivering.mark(3)
    assert {one["State"]["StartedAt"] for one in lab.service("api")} <= {
        one["State"]["StartedAt"] for one in [lab.client.call("GET", f"/containers/{first[0]}/json")]
    }


def test_instances_are_replaced_one_after_another(lab: DockerLab, delivering: Delivering) -> None:
    words = {"deploy": {"replicas": 3}, "ports": {"http": {"target": 8080, "published": "auto"}}}
    delivering.deliver(declared(api=words))
    least = [3]
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            least.append(sum(one["State"] == "running" for one in lab.containers()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        delivering.deliver(declared(api={**words, **level(2)}))
    finally:
        stop.set()
        watcher.join()
    assert min(least) == 2
    assert len(lab.service("api", kept=True)) == 3


def test_services_roll_side_by_side(lab: DockerLab, delivering: Delivering) -> None:
    words = {f"s{number}": {} for number in range(4)}
    delivering.deliver(declared(**words))
    work = delivering.work(delivering.render(declared(**{name: level(2) for name in words})).resources)
    began = time.monotonic()
    delivering.lab.engine().apply(changed(work, stable=2.0), Values(), Running(), Silent())

    assert time.monotonic() - began < 4 * 2.0


def test_each_service_comes_after_those_that_it_depends_on(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"db": lab.images.serve("v1")}
    slow = {**HEALTHY, "test": ["CMD-SHELL", "sleep 0.5; wget -q -O - http://127.0.0.1:8080/"]}
    delivering.deliver(
        declared(
            api={"depends_on": {"db": {"condition": "service_healthy"}}},
            db={"image": "db", "healthcheck": slow},
            web={"depends_on": {"api": {}}},
        )
    )
    started = {name: lab.one(name)["State"]["StartedAt"] for name in ("api", "db", "web")}
    assert started["db"] < started["api"] < started["web"]
    passed = lab.one("db")["State"]["Health"]["Log"][0]["End"]
    assert passed[:23] <= started["api"][:23]


def test_who_shares_a_network_is_made_again_with_its_owner(lab: DockerLab, delivering: Delivering) -> None:
    def shared(number: int) -> Environment:
        return declared(vpn=level(number), app={"network_mode": "service:vpn", "pid": "service:vpn"})

    delivering.deliver(shared(1))
    before = lab.one("app")
    assert before["HostConfig"]["NetworkMode"] == f"container:{lab.one('vpn')['Id']}"
    assert delivering.inventory.items["service/app"].snapshot["network_mode"] == "service:vpn"
    delivering.deliver(shared(2))
    after = lab.one("app")
    assert after["Id"] != before["Id"]
    assert after["HostConfig"]["PidMode"] == f"container:{lab.one('vpn')['Id']}"


def test_a_service_that_goes_lets_go_of_its_port_first(lab: DockerLab, delivering: Delivering, port: int) -> None:
    words = {"ports": {"http": {"target": 8080, "published": port}}}
    delivering.deliver(declared(web=words))
    delivering.deliver(declared(site=words))

    assert lab.service("web") == []
    assert lab.one("site")["State"]["Running"]


@pytest.fixture
def port() -> int:
    return 18000 + time.monotonic_ns() % 1000


def test_a_port_goes_from_one_service_to_another(lab: DockerLab, delivering: Delivering, port: int) -> None:
    words = {"ports": {"http": {"target": 8080, "published": port}}}
    delivering.deliver(declared(web=words))
    delivering.deliver(declared(api=words, web={}))

    assert lab.one("api")["HostConfig"]["PortBindings"]["8080/tcp"][0]["HostPort"] == str(port)
    assert not lab.one("web")["HostConfig"]["PortBindings"]


def test_two_services_swap_their_ports(lab: DockerLab, delivering: Delivering, port: int) -> None:
    one, other = ({"ports": {"http": {"target": 8080, "published": at}}} for at in (port, port + 1000))
    delivering.deliver(declared(api=one, web=other))
    delivering.deliver(declared(api=other, web=one))

    bound = [lab.one(name)["HostConfig"]["PortBindings"]["8080/tcp"][0]["HostPort"] for name in ("web", "api")]
    assert bound == [str(port), str(port + 1000)]


# --- what goes wrong ---


def test_a_port_that_is_taken(lab: DockerLab, delivering: Delivering, port: int) -> None:
    """What was made is gone, and what ran before runs again, also without a way back."""
    delivering.deliver(declared(api={}))
    before = lab.one("api")
    lab.run(
        lab.images.sleep("taker"),
        f"{lab.project}-taker",
        ExposedPorts={"8080/tcp": {}},
        HostConfig={"PortBindings": {"8080/tcp": [{"HostPort": str(port)}]}},
    )
    words = {"ports": {"http": {"target": 8080, "published": port}}}

    with pytest.raises(ApplyFailed) as failed:
        applied(delivering, declared(api=words))

    assert "port is already allocated" in failed.value.message
    assert "service/api" in failed.value.message
    assert failed.value.hint is not None
    assert "publish another port" in failed.value.hint
    assert lab.ids("api") == [before["Id"]]
    assert lab.one("api")["State"]["Running"]
    assert lab.one("api")["Name"] == before["Name"]
    assert lab.service("api", kept=True) == []
    assert delivering.observe().resources["service/api"].body == delivering.inventory.items["service/api"].snapshot


def test_one_that_never_gets_healthy(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api={}))
    before = lab.ids("api")
    with pytest.raises(NotReady) as failed:
        applied(delivering, declared(api={"healthcheck": NEVER_HEALTHY}))

    message = failed.value.message
    assert message.startswith("service/api: unhealthy; its health check said: no database here; its log ends: sleeping")
    assert before[0] in lab.ids("api")
    assert lab.client.call("GET", f"/containers/{before[0]}/json")["State"]["Running"]


def test_one_that_ends(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"bad": lab.images.exit3()}
    delivering.deliver(declared(api={}))
    with pytest.raises(NotReady) as failed:
        applied(delivering, declared(api={"image": "bad"}))

    assert "ended with exit code 3" in failed.value.message
    assert "giving up: no database" in failed.value.message


def test_one_that_is_started_again_and_again(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"bad": lab.images.exit3()}
    with pytest.raises(NotReady) as failed:
        applied(delivering, declared(api={"image": "bad", "restart": "always"}))

    assert "exit code 3" in failed.value.message
    assert "started again 2 times" in failed.value.message


def test_running_is_not_ready_before_it_was_steady(lab: DockerLab, delivering: Delivering) -> None:
    """Without a health check an instance has to run for a while before the old one ends."""
    dying = ["/bin/sh", "-c", "sleep 1; exit 4"]
    delivering.deliver(declared(api={}))
    before = lab.ids("api")
    with pytest.raises(NotReady):
        applied(delivering, declared(api={"command": dying}), stable=3.0)
    assert lab.client.call("GET", f"/containers/{before[0]}/json")["State"]["Running"]


def test_the_limit_counts_from_the_beginning(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"api": lab.images.serve("v1")}
    slow = {"test": ["CMD", "false"], "interval": "300ms", "retries": 1000}
    with pytest.raises(NotReady) as failed:
        applied(delivering, declared(api={"healthcheck": slow}), wait=1.5)
    assert "not ready after 1.5s: service/api: running, not healthy yet" in failed.value.message


class Stopping:
    def __init__(self, when: Callable[[], bool]) -> None:
        self._when = when

    def requested(self) -> bool:
        return self._when()


def test_stopped_while_it_waits(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api={}))
    before = lab.ids("api")
    work = delivering.work(delivering.render(declared(api=level(2))).resources)
    progress = Silent()
    stop = Stopping(lambda: any("running" in event.text for event in progress.events))
    with pytest.raises(Interrupted):
        lab.engine().apply(changed(work, stable=20.0), Values(), stop, progress)
    assert before[0] in lab.ids("api")
    delivering.perform(work)
    assert len(lab.ids("api")) == 1
    assert before[0] not in lab.ids("api")


# --- what is said ---


def test_each_change_of_state_is_told_once(lab: DockerLab, delivering: Delivering) -> None:
    lab.named = {"api": lab.images.serve("told")}
    progress = applied(delivering, declared(api={"healthcheck": HEALTHY}))
    told = [event.text for event in progress.events if event.point is Point.ROLLING]

    assert "api: 0/1 running, running, not healthy yet" in told
    assert told[-1] == "api: 1/1 running"
    assert len(told) == len(set(told))
    assert {event.resource for event in progress.events if event.point is Point.ROLLING} == {"service/api"}


def test_a_plan_says_what_clients_may_meet(lab: DockerLab, delivering: Delivering) -> None:
    warnings = delivering.render(declared(api={}, web={"ports": {"http": {"target": 80, "published": 80}}})).warnings
    (warning,) = [text for text in warnings if "listener" in text]
    assert warning == (
        "while api is replaced, the name leads to the old and the new instance: "
        "a client may meet a listener that is closing, or not open yet"
    )


@pytest.fixture(autouse=True)
def _no_volume_is_left(lab: DockerLab) -> Iterator[None]:
    """Volumes that nobody named are removed with the test."""
    yield
    for one in [*lab.containers(), *lab.containers(kept=True)]:
        lab.client.call("DELETE", f"/containers/{one['Id']}", params={"force": True, "v": True})


def test_nothing_wanted_removes_all_but_data(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api={"volumes": {"data": {"target": "/data"}}}))
    delivering.deliver(declared(api={"volumes": {"data": {"target": "/data"}}, **level(2)}))
    progress = Silent()
    work = delivering.work(())
    lab.engine().apply(work, Values(), Running(), progress)

    assert lab.containers() == lab.containers(kept=True) == []
    assert list(lab.volumes()) == [f"{lab.project}-{ENVIRONMENT}_data"]
    said = [event.text for event in progress.events if event.point is Point.PRUNED]
    assert f"the volume {lab.project}-{ENVIRONMENT}_data is kept, with the data in it" in said
    assert delivering.observe().resources == EMPTY.items
