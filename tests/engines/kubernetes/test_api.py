"""Calls to an API server that answers what a test says: what is sent, what is tried again, what a person is told.

It stands for servers newer than the test bed's too, by what their documentation says; that is not observed.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from releaser.engines.kubernetes import connection as connecting
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.errors import ApiRefused, told
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import BadArgument, EngineUnreachable

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"a": "b"}}


class Server:
    """Answers each request with the next of `answers` for its path, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: dict[str, list[Any]] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                path, _, _ = self.path.partition("?")
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                owner.asked.append(
                    (self.command, self.path, {name.lower(): text for name, text in self.headers.items()}, body)
                )
                several = owner.answers.get(path) or [(404, status(404, "NotFound", f"{path} not found"))]
                code, found, *more = several.pop(0) if len(several) > 1 else several[0]
                if code < 0:  # is away
                    self.close_connection = True
                    return
                if code == 0:  # never answers
                    owner.released.wait(30)
                    return
                if isinstance(found, list):
                    data = b"".join(json.dumps(one).encode() + b"\n" for one in found)
                else:
                    data = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                for name, text in more[0].items() if more else ():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: object) -> None:
                pass

        self.released = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        self.released.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def status(code: int, reason: str, message: str, causes: Any = ()) -> dict[str, Any]:
    details = {"causes": list(causes)}
    return {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def kubeconfig(path: Path, server: str, user: dict[str, Any] | None = None) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user or {"token": "secret-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def api(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address)))
    monkeypatch.setattr("releaser.engines.kubernetes.api._AGAIN", 0.01)
    made = Api(Connection(), "shop")
    yield made
    made.close()


def listed(*names: str, more: str | None = None) -> tuple[int, Any]:
    items = [{"metadata": {"name": name}} for name in names]
    return 200, {"metadata": {"resourceVersion": "7", **({"continue": more} if more else {})}, "items": items}


MAPS = "/api/v1/namespaces/shop/configmaps"


def test_a_list_page_after_page_says_what_its_items_are(api: Api, server: Server) -> None:
    server.answers[MAPS] = [listed("a", more="next"), listed("b")]
    found = api.list(api.kind("", "configmap"))
    assert [(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in found] == [
        ("v1", "ConfigMap", "a"),
        ("v1", "ConfigMap", "b"),
    ]
    assert [path.partition("?")[2] for _, path, _, _ in server.asked] == ["limit=500", "limit=500&continue=next"]
    assert server.asked[0][2]["authorization"] == "Bearer secret-token"


def test_pages_whose_snapshot_is_gone_begin_anew(api: Api, server: Server) -> None:
    gone = 410, status(410, "Expired", "the provided continue parameter is too old")
    server.answers[MAPS] = [listed("a", more="next"), gone, listed("a", "b")]
    assert [one["metadata"]["name"] for one in api.list(api.kind("", "configmap"))] == ["a", "b"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_read_is_tried_again(api: Api, server: Server, code: int) -> None:
    server.answers[MAPS] = [(code, status(code, "Busy", "later"), {"Retry-After": "0"}), listed("a")]
    assert len(api.list(api.kind("", "configmap"))) == 1


def test_a_server_that_came_back_forbids_nothing_yet(
    api: Api, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it has read its roles it answers so to everybody."""
    kind = api.kind("", "configmap")
    forbidden = (403, status(403, "Forbidden", "configmaps is forbidden"))
    server.answers[MAPS] = [forbidden]
    with pytest.raises(ApiRefused, match="is forbidden"):
        api.list(kind)
    asked = len(server.asked)
    server.answers[MAPS] = [(-1, None), forbidden, listed("a")]
    assert len(api.list(kind)) == 1
    assert len(server.asked) == asked + 3
    server.answers[MAPS] = [forbidden]
    with pytest.raises(EngineUnreachable, match="is forbidden"):
        api.list(kind)
    monkeypatch.setattr("releaser.engines.kubernetes.api._STARTING", 0.0)
    with pytest.raises(ApiRefused, match="is forbidden"):
        api.list(kind)


def test_a_write_is_sent_again_only_where_the_server_did_not_look_at_it(api: Api, server: Server) -> None:
    server.answers[f"{MAPS}/app"] = [
        (429, status(429, "TooManyRequests", "later"), {"Retry-After": "0"}),
        (200, CONFIG_MAP),
    ]
    api.apply(CONFIG_MAP)
    assert len(server.asked) == 2
    server.answers[f"{MAPS}/app"] = [(500, status(500, "InternalError", "etcd is away"))]
    with pytest.raises(ApiRefused, match="etcd is away"):
        api.apply(CONFIG_MAP)
    assert len(server.asked) == 3


def test_what_an_apply_sends(api: Api, server: Server) -> None:
    server.answers[f"{MAPS}/app"] = [(200, CONFIG_MAP)]
    api.apply(CONFIG_MAP)
    api.apply(CONFIG_MAP, force=True, dry_run=True)
    (method, plain, headers, body), (_, forced, _, _) = server.asked
    assert (method, headers["content-type"], body) == ("PATCH", "application/apply-patch+yaml", CONFIG_MAP)
    assert plain.partition("?")[2] == "fieldManager=releaser&fieldValidation=Strict"
    assert forced.partition("?")[2] == "fieldManager=releaser&fieldValidation=Strict&force=true&dryRun=All"


def test_a_port_has_its_protocol(api: Api, server: Server) -> None:
    """1.20 refuses a Service without it."""
    server.answers["/api/v1/namespaces/shop/services/api"] = [(200, {})]
    ports = [{"port": 80}, {"port": 53, "protocol": "UDP"}]
    api.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": {"ports": ports}})
    sent = server.asked[0][3]["spec"]["ports"]
    assert sent == [{"protocol": "TCP", "port": 80}, {"protocol": "UDP", "port": 53}]


def test_a_version_that_is_gone_is_replaced_by_what_the_server_has(api: Api, server: Server) -> None:
    versions = {"versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}}
    server.answers["/apis/batch"] = [(200, versions)]
    kinds = [
        {"name": "cronjobs", "kind": "CronJob", "namespaced": True},
        {"name": "cronjobs/status", "kind": "CronJob"},
    ]
    server.answers["/apis/batch/v1"] = [(200, {"resources": kinds})]
    server.answers["/apis/batch/v1/namespaces/shop/cronjobs/nightly"] = [(200, {})]
    api.apply({"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "nightly"}})
    assert server.asked[-1][3]["apiVersion"] == "batch/v1"


def test_a_kind_that_nobody_serves(api: Api) -> None:
    with pytest.raises(ApiRefused, match=r"the cluster has no kind box\.release\.test"):
        api.kind("release.test", "box")


def test_a_delete_is_of_this_object_alone(api: Api, server: Server) -> None:
    server.answers[f"{MAPS}/app"] = [(409, status(409, "Conflict", "the UID in the precondition does not match"))]
    assert api.delete(parse("configmap/app"), "uid-1") is False
    assert server.asked[0][3] == {"preconditions": {"uid": "uid-1"}, "propagationPolicy": "Background"}


def test_a_watch_that_is_too_old(api: Api, server: Server) -> None:
    error = {"type": "ERROR", "object": status(410, "Expired", "too old resource version")}
    server.answers["/api/v1/namespaces/shop/pods"] = [(200, [{"type": "ADDED", "object": {}}, error])]
    with pytest.raises(ApiRefused, match="too old") as refused:
        list(api.watch(api.kind("", "pod"), seconds=1, since="1"))
    assert refused.value.status == 410


def test_an_answer_of_a_proxy_is_none(api: Api, server: Server) -> None:
    pods = api.kind("", "pod")
    server.answers["/api/v1/namespaces/shop/pods"] = [(200, b"<html>504 Gateway Time-out</html>\n")]
    for answer in (lambda: api.list(pods), lambda: list(api.watch(pods, seconds=1, since="1"))):
        with pytest.raises(ApiRefused, match="the answer is not JSON: <html>504 Gateway Time-out</html>"):
            answer()


def test_a_server_that_never_answers(api: Api, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "READ", 0.2)
    monkeypatch.setattr("releaser.engines.kubernetes.api._TRIES", 1)
    server.answers[MAPS] = [(0, None)]
    began = time.monotonic()
    with pytest.raises(EngineUnreachable, match=f"no answer from the cluster at {server.address}") as lost:
        api.list(api.kind("", "configmap"))
    assert time.monotonic() - began < 5
    assert lost.value.hint == "see whether it is up: kubectl --context here get --raw /readyz"


FORBIDDEN = 'User "bob" cannot patch resource "configmaps" in API group "" in the namespace "shop"'
CONFLICT = {"field": ".data.a", "message": 'conflict with "kubectl-edit" using v1', "reason": "FieldManagerConflict"}
IMMUTABLE = {"field": "data", "message": "field is immutable when `immutable` is set"}
UNDECLARED = "failed to create typed patch object: .dota: field not declared in schema"
DENIED = 'admission webhook "policy.test" denied the request: no latest'


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (
            status(403, "Forbidden", f"configmaps is forbidden: {FORBIDDEN}"),
            "apply configmap/app: bob may not patch configmaps",
            'a Role in the namespace shop needs the rule {apiGroups: [""], resources: [configmaps], verbs: [patch]}',
        ),
        (
            status(409, "Conflict", "Apply failed with 1 conflict", [CONFLICT]),
            "apply configmap/app: kubectl-edit manages .data.a as well",
            "let one of both decide it",
        ),
        (
            status(422, "Invalid", f"ConfigMap is invalid: data: {IMMUTABLE['message']}", [IMMUTABLE]),
            "field is immutable",
            "say --replace",
        ),
        (status(500, "", UNDECLARED), ".dota: field not declared in schema", "the server knows no such field"),
        (status(400, "BadRequest", DENIED), DENIED, "a webhook of the cluster decides that"),
    ],
)
def test_what_a_person_is_told(api: Api, server: Server, answer: Any, message: str, hint: str) -> None:
    server.answers[f"{MAPS}/app"] = [(answer["code"], answer)]
    with pytest.raises(ApiRefused) as refused:
        api.apply(CONFIG_MAP)
    failure = told(refused.value)
    assert message in failure.message
    assert hint in (failure.hint or "")


def test_who_is_not_let_in(api: Api, server: Server) -> None:
    server.answers[MAPS] = [(401, status(401, "Unauthorized", "Unauthorized"))]
    with pytest.raises(EngineUnreachable, match="here/shop does not let us in: Unauthorized") as refused:
        api.list(api.kind("", "configmap"))
    assert "log in" in (refused.value.hint or "")


# --- credentials ---


def test_a_context_that_the_kubeconfig_does_not_have(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address)))
    with pytest.raises(BadArgument, match="no context `there`; it has here"):
        Api(Connection("there"), "shop").get(parse("configmap/app"))


@pytest.mark.parametrize("text", [None, "", "not: [a kubeconfig", "{}"])
def test_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    file = tmp_path / "config"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(EngineUnreachable, match="no kubeconfig that names the context") as refused:
        Api(Connection(), "shop").get(parse("configmap/app"))
    assert "KUBECONFIG" in (refused.value.hint or "")


def plugin(tmp_path: Path, script: str) -> dict[str, Any]:
    program = tmp_path / "plugin.py"
    program.write_text(script)
    version = "client.authentication.k8s.io/v1"
    return {
        "exec": {"apiVersion": version, "command": sys.executable, "args": [str(program)], "interactiveMode": "Never"}
    }


def test_an_exec_plugin_gives_the_token(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "fresh"},
    }
    user = plugin(tmp_path, f"print({json.dumps(json.dumps(credential))})")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address, user)))
    server.answers[f"{MAPS}/app"] = [(200, CONFIG_MAP)]
    assert Api(Connection(), "shop").get(parse("configmap/app")) == CONFIG_MAP
    assert server.asked[0][2]["authorization"] == "Bearer fresh"


def test_a_login_that_does_not_end(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "LOGIN", 0.5)
    user = plugin(tmp_path, "import time; time.sleep(20)")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address, user)))
    api, began = Api(Connection(), "shop"), time.monotonic()
    for _ in range(3):
        with pytest.raises(EngineUnreachable, match=r"the login of context here has given nothing for 0\.5s"):
            api.list(api.kind("", "configmap"))
    assert time.monotonic() - began < 15
    assert server.asked == []


def test_a_token_that_ran_out_is_asked_for_again_in_time(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "old", "expirationTimestamp": "2020-01-01T00:00:00Z"},
    }
    once = tmp_path / "once"
    script = f"""
import pathlib, time
if pathlib.Path({str(once)!r}).exists():
    time.sleep(20)
pathlib.Path({str(once)!r}).touch()
print({json.dumps(credential)!r})
"""
    monkeypatch.setattr(connecting, "LOGIN", 2.0)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address, plugin(tmp_path, script))))
    api = Api(Connection(), "shop")
    with pytest.raises(EngineUnreachable, match="has given nothing for 2s"):
        api.get(parse("configmap/app"))
    assert once.exists()
