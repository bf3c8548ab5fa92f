"""What a service and its tasks say about a delivery, as the engine answers."""

from typing import Any

import pytest

from releaser.engines.swarm.judging import FAILED, READY, RETURNING, WAITING, Verdict, Watched, judge

TEMPLATE = {"ContainerSpec": {"Image": "new"}}
OLD = {"ContainerSpec": {"Image": "old"}, "ForceUpdate": 0}
BEFORE, AFTER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def spec(**more: Any) -> dict[str, Any]:
    return {"Name": "shop_api", "TaskTemplate": TEMPLATE, "Mode": {"Replicated": {"Replicas": 2}}, **more}


def service(state: str | None = None, began: str = AFTER, message: str = "", **more: Any) -> dict[str, Any]:
    """As the engine answers: with defaults of its own."""
    found = spec(**more)
    found["TaskTemplate"] = {**found["TaskTemplate"], "ForceUpdate": 0, "Runtime": "container"}
    status = {"UpdateStatus": {"State": state, "StartedAt": began, "Message": message}} if state else {}
    return {"ID": "s", "Spec": found, **status}


def task(slot: int, state: str, desired: str = "running", **more: Any) -> dict[str, Any]:
    number = more.pop("id", f"{slot}-{state}-{desired}")
    error = {"Err": more.pop("err")} if "err" in more else {}
    code = more.pop("code", 0)
    return {
        "ID": number,
        "Slot": slot,
        "DesiredState": desired,
        "Spec": {**TEMPLATE, "ForceUpdate": 0},
        "Status": {"State": state, "Timestamp": AFTER, "ContainerStatus": {"ExitCode": code}, **error},
        **more,
    }


def verdict(found: dict[str, Any], *tasks: dict[str, Any], written: bool = True, **more: Any) -> Verdict:
    watched = Watched(name="api", id="s", spec=spec(**more), written=written, began=BEFORE, before=frozenset({"old"}))
    return judge(watched, found, tasks)


RUN = (task(1, "running"), task(2, "running"))


def test_all_run() -> None:
    assert verdict(service(), *RUN).state == READY
    assert verdict(service("completed"), *RUN).state == READY
    assert verdict(service(), *RUN).text == "2/2 running"


def test_the_engine_is_not_done() -> None:
    found = verdict(service("updating"), *RUN)
    assert (found.state, found.healthy, found.started) == (WAITING, True, True)


def test_old_tasks_do_not_count() -> None:
    old = [task(1, "running", Spec=OLD, id="old"), task(2, "running", Spec=OLD)]
    found = verdict(service("updating"), *old)
    assert (found.state, found.text, found.healthy, found.started) == (WAITING, "0/2 running", False, False)
    assert verdict(service(), *RUN, old[0]).state == WAITING  # one too many


def test_what_the_others_do() -> None:
    tasks = (task(1, "running"), task(2, "pending", err="no suitable node (1 node not available for new tasks)"))
    text = "1/2 running, 1 pending (no suitable node (1 node not available for new tasks))"
    assert verdict(service("updating"), *tasks).text == text


def test_one_failure_may_be_an_accident() -> None:
    once = task(1, "failed", "shutdown", err="task: non-zero exit (3)", code=3)
    found = verdict(service(), once, task(1, "starting"), task(2, "running"))
    assert (found.state, found.text) == (WAITING, "1/2 running, 1 starting; task: non-zero exit (3)")
    again = verdict(service(), once, {**once, "ID": "again"}, task(1, "starting"), task(2, "running"))
    assert (again.state, again.task and again.task["ID"]) == (FAILED, once["ID"])


def test_an_engines_race_with_itself_may_happen_more_often() -> None:
    words = "starting container failed: unable to remount dir as readonly: mount tmpfs:/x: device or resource busy"
    failed = [task(1, "failed", "shutdown", err=words, id=str(number)) for number in range(5)]
    ready = (task(1, "starting"), task(2, "running"))
    assert verdict(service(), *failed[:4], *ready).state == WAITING
    assert verdict(service(), *failed, *ready).state == FAILED
    other = task(1, "failed", "shutdown", err="task: non-zero exit (3)", code=3, id="other")
    assert verdict(service(), *failed[:3], other, *ready).state == WAITING
    assert verdict(service(), failed[0], other, {**other, "ID": "again"}, *ready).state == FAILED


def test_failures_before_our_write_do_not_count() -> None:
    once = task(1, "failed", "shutdown", id="old")
    assert verdict(service(), once, {**once, "ID": "new"}, *RUN).state == READY


def test_rejected_images() -> None:
    bad = [task(1, "rejected", "shutdown", err="No such image: x", id=str(number)) for number in range(2)]
    found = verdict(service(), *bad, task(1, "preparing"))
    assert (found.state, found.text) == (FAILED, "0/2 running, 1 preparing; No such image: x")


@pytest.mark.parametrize("state", ["paused", "rollback_paused"])
def test_paused(state: str) -> None:
    found = verdict(service(state, message="update paused due to failure"), *RUN)
    assert (found.state, found.text) == (FAILED, "2/2 running; update paused due to failure")
    assert verdict(service(state, began=BEFORE), *RUN).state == WAITING  # that was before our write
    assert verdict(service("completed", began=BEFORE), *RUN).state == WAITING
    assert verdict(service(state, began=BEFORE), *RUN, written=False).state == FAILED


def test_the_engine_goes_back() -> None:
    failed = task(1, "failed", "shutdown", err="task: non-zero exit (3)", code=3)
    back = service("rollback_started")
    back["Spec"]["TaskTemplate"] = OLD
    assert verdict(back, failed).state == RETURNING
    back["UpdateStatus"]["State"] = "rollback_completed"
    found = verdict(back, failed)
    assert (found.state, found.text, found.task) == (FAILED, "the engine rolled it back", failed)
    back["UpdateStatus"]["State"] = "rollback_paused"
    assert verdict(back, failed).text == "the engine could not roll it back: its rollback is paused"


def test_the_engine_is_let_to_go_back() -> None:
    update = {"UpdateConfig": {"FailureAction": "rollback"}}
    failures = [task(1, "failed", "shutdown", id=str(number)) for number in range(2)]
    assert verdict(service("updating", **update), *failures, **update).state == WAITING
    assert verdict(service("completed", **update), *failures, **update).state == FAILED


def test_somebody_else_wrote() -> None:
    found = verdict({**service(), "Spec": {**service()["Spec"], "Labels": {"x": "1"}}}, *RUN)
    assert (found.state, found.text) == (FAILED, "somebody else changed it while it rolled")
    assert verdict(service(), *RUN).state == READY


def test_somebody_removed_it() -> None:
    assert judge(Watched(name="api", id="s", spec=spec()), None, ()).text == "somebody removed it"


def test_a_task_that_ended_well() -> None:
    done = task(1, "complete", "shutdown")
    assert verdict(service(), done, {**done, "ID": "again"}, task(2, "running")).state == FAILED  # it was to run on
    once = {"TaskTemplate": {**TEMPLATE, "RestartPolicy": {"Condition": "none"}}}
    done = {**done, "Spec": once["TaskTemplate"]}
    other = task(2, "running", Spec=once["TaskTemplate"])
    assert verdict(service(**once), done, other, **once).state == READY


def test_other_platforms() -> None:
    found = verdict(service("updating"), task(1, "pending", err="no suitable node (unsupported platform on 3 nodes)"))
    assert found.state == FAILED
    mixed = "no suitable node (unsupported platform on 1 node; 1 node not available for new tasks)"
    assert verdict(service("updating"), task(1, "pending", err=mixed)).state == WAITING


def test_none_and_one_on_each_node() -> None:
    none = {"Mode": {"Replicated": {"Replicas": 0}}}
    assert verdict(service(**none), **none).state == READY
    each = {"Mode": {"Global": {}}}
    first, second = task(0, "running", NodeID="a"), task(0, "starting", NodeID="b")
    assert verdict(service(**each), first, second, **each).text == "1/2 running, 1 starting"
    assert verdict(service(**each), first, **each).state == READY


# --- jobs ---

JOB = {"Mode": {"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 2}}}


def job(*tasks: dict[str, Any], run: int = 1, **more: Any) -> Verdict:
    found = service(**{**JOB, **more})
    return verdict({**found, "JobStatus": {"JobIteration": {"Index": run}}}, *tasks, **{**JOB, **more})


def run(number: int, state: str, desired: str = "complete", **more: Any) -> dict[str, Any]:
    return task(number, state, desired, JobIteration={"Index": 1}, **more)


def test_a_job_is_done_when_all_of_this_run_are() -> None:
    former = {**run(1, "complete"), "JobIteration": {}}
    assert job(former, run(2, "complete")).text == "1/2 done"
    assert job(run(1, "complete"), run(2, "complete")).state == READY
    assert job().state == WAITING


def test_a_job_fails_when_nobody_tries_any_more() -> None:
    failed = run(1, "failed", "shutdown", err="task: non-zero exit (3)", code=3)
    assert job(failed, run(1, "starting"), run(2, "complete")).state == WAITING
    assert job(failed, run(1, "new", "ready")).state == WAITING
    found = job(failed, run(2, "complete"))
    assert (found.state, found.text) == (FAILED, "1/2 done; task: non-zero exit (3)")


def test_an_idle_job_is_ready() -> None:
    idle = {"Labels": {"releaser.idle": "2"}, "Mode": {"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 0}}}
    assert job(**idle).text == "not run again"
    assert job(**idle).state == READY
