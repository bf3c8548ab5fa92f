"""What speaks to an engine, against servers that a real engine never is: old, new, mute, slow, odd, gone."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from releaser import __version__
from releaser.engines.moby import connection
from releaser.engines.moby.client import Client, Refused
from releaser.model.errors import EngineUnreachable
from tests.engines.moby import stub


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """A limit that a test can wait for."""
    monkeypatch.setattr(connection, "LIMIT", 0.4)
    return 0.4


@pytest.fixture
def calls() -> Iterator[list[Client]]:
    """Clients to be closed."""
    made: list[Client] = []
    yield made
    for client in made:
        client.close()


@pytest.mark.parametrize(("engine", "spoken"), [("1.41", "1.41"), ("1.44", "1.44"), ("1.45", "1.45"), ("1.52", "1.45")])
def test_the_newest_api_that_both_speak(tmp_path: Path, engine: str, spoken: str, calls: list[Client]) -> None:
    with stub.engine(tmp_path, {"GET /info": {"ID": "x"}}, version=engine) as served:
        calls.append(client := Client(served.host))

        assert client.info() == client.info() == {"ID": "x"}
        assert client.api_version == spoken
    assert served.asked == ["GET /version", f"GET /v{spoken}/info"]


def test_an_engine_that_is_too_old(tmp_path: Path) -> None:
    with stub.engine(tmp_path, version="1.40") as served:
        for _ in range(2):
            with pytest.raises(EngineUnreachable) as found:
                Client(served.host).info()
    assert found.value.message == (
        f"the engine at {served.host} is too old: it speaks API 1.40, and 1.41 is the oldest that works"
    )
    assert found.value.hint == "bring it to Docker 20.10 or newer"


def test_an_engine_that_is_too_new(tmp_path: Path) -> None:
    with (
        stub.engine(tmp_path, version="1.60", oldest="1.50") as served,
        pytest.raises(EngineUnreachable, match=r"is too new: it speaks API 1\.50 and later.* up to 1\.45"),
    ):
        Client(served.host).info()


@pytest.mark.parametrize(
    "version",
    [
        (404, {"message": "404 page not found"}),
        (200, {"name": "something else"}),
        (200, {"ApiVersion": "newest"}),
        (200, ["1.45"]),
        (500, None),
    ],
)
def test_what_is_no_engine(tmp_path: Path, version: object) -> None:
    with (
        stub.engine(tmp_path, {"GET /version": version}) as served,
        pytest.raises(EngineUnreachable, match=f"what answers at {served.host} is no Docker Engine") as found,
    ):
        Client(served.host).info()
    assert found.value.hint == f"see whether it runs: docker -H {served.host} info"


def test_what_does_not_speak_http(tmp_path: Path) -> None:
    def ssh(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with (
        stub.raw(tmp_path, ssh) as host,
        pytest.raises(EngineUnreachable, match=f"the engine at {host} does not answer"),
    ):
        Client(host).info()


def test_parallel_first_calls_ask_for_the_version_once(tmp_path: Path, calls: list[Client]) -> None:
    with stub.engine(tmp_path, {"GET /info": {}, "GET /services": []}) as served:
        calls.append(client := Client(served.host))
        client.each([lambda: client.call("GET", "/services")] * 20 + [client.info] * 4)
    assert served.asked.count("GET /version") == 1
    assert sorted(set(served.asked)) == ["GET /v1.45/info", "GET /v1.45/services", "GET /version"]
    assert served.asked.count("GET /v1.45/info") == 1


# --- nothing there ---


def test_no_socket(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/docker.sock"
    with pytest.raises(EngineUnreachable) as found:
        Client(host).info()
    assert found.value.message == f"the engine at {host} is not there: no such socket"
    assert "systemctl start docker" in str(found.value.hint)


def test_a_socket_that_nobody_listens_at(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "docker.sock"))
    with pytest.raises(EngineUnreachable, match="does not run: nothing listens at its socket"):
        Client(f"unix://{tmp_path}/docker.sock").info()


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refused)  # root, who runs this in CI, may connect to everything
    with pytest.raises(EngineUnreachable, match="is not ours to use: permission denied") as found:
        Client(f"unix://{tmp_path}/docker.sock").info()
    assert "group docker" in str(found.value.hint)


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable, match="AF_UNIX path too long"):
        Client(f"unix://{tmp_path}/{'x' * 200}").info()


def test_nobody_at_the_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(EngineUnreachable, match="does not run: connection refused") as found:
            Client(f"tcp://127.0.0.1:{port}").info()
    assert f"port {port}" in str(found.value.hint)


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(EngineUnreachable, match=r"is not found: no address is known for nobody\.invalid"):
        Client("tcp://nobody.invalid:2376").info()


# --- limits ---


def test_a_socket_that_never_answers(tmp_path: Path, short: float) -> None:
    def mute(peer: socket.socket) -> None:
        while peer.recv(1 << 16):
            """It takes everything, and says nothing."""

    began = time.monotonic()
    with (
        stub.raw(tmp_path, mute) as host,
        pytest.raises(EngineUnreachable, match=f"the engine at {host} does not answer within") as found,
    ):
        Client(host).info()
    assert time.monotonic() - began < 10 * short
    assert found.value.hint == f"see whether it runs: docker -H {host} info"


def test_an_engine_that_says_a_little_now_and_then(tmp_path: Path, short: float, calls: list[Client]) -> None:
    over = threading.Event()

    def dribble(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not over.wait(0.02):
            handler.wfile.write(b" ")

    with stub.engine(tmp_path, {"GET /services": dribble}) as served:
        calls.append(client := Client(served.host))
        with pytest.raises(EngineUnreachable, match="does not answer within"):
            client.call("GET", "/services", timeout=short)
        over.set()


def test_a_tar_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[Client]) -> None:
    monkeypatch.setattr("releaser.engines.moby.client._MAX_DOWNLOAD", 10)
    with stub.engine(tmp_path, {"GET /containers/x/archive": "more than ten bytes"}) as served:
        calls.append(client := Client(served.host))
        with pytest.raises(EngineUnreachable, match="more than 10 bytes"):
            client.download("/containers/x/archive", {"path": "/"})


# --- answers ---


def test_the_engines_own_words(tmp_path: Path, calls: list[Client]) -> None:
    answers = {
        "POST /services/create": (409, {"message": "name conflicts with\x1b[31m an existing object\n"}),
        "POST /services/x/update": (500, {"message": "update out of sequence"}),
        "GET /odd": (502, ["bad", "gateway"]),
        "DELETE /empty": (503, None),
    }
    with stub.engine(tmp_path, answers) as served:
        calls.append(client := Client(served.host))
        said = {}
        for line in answers:
            with pytest.raises(Refused) as refused:
                client.call(*line.split(" "))
            said[refused.value.status] = refused.value.message
    assert said == {
        409: "name conflicts with\\x1b[31m an existing object",
        500: "update out of sequence",
        502: '["bad", "gateway"]',
        503: "status 503",
    }


def test_parameters_bodies_and_headers(tmp_path: Path, calls: list[Client]) -> None:
    seen = {}

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.update(path=handler.path, auth=handler.headers["X-Registry-Auth"], agent=handler.headers["User-Agent"])
        handler.reply(None)

    with stub.engine(tmp_path, {"POST /services/create": note}) as served:
        calls.append(client := Client(served.host))
        params = {"filters": {"label": ["a=b c"]}, "all": True, "none": None, "version": 7}
        headers = {"X-Registry-Auth": "login"}
        assert client.call("POST", "/services/create", params=params, body={"Name": "x"}, headers=headers) is None
    assert seen == {
        "path": "/v1.45/services/create?filters=%7B%22label%22%3A+%5B%22a%3Db+c%22%5D%7D&all=true&version=7",
        "auth": "login",
        "agent": f"releaser/{__version__}",
    }


def test_an_answer_that_is_not_json(tmp_path: Path, calls: list[Client]) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b'{"a"')

    with stub.engine(tmp_path, {"GET /services": broken}) as served:
        calls.append(client := Client(served.host))
        with pytest.raises(EngineUnreachable, match="is no Docker Engine: GET /services"):
            client.call("GET", "/services")


def test_an_answer_that_is_cut_off(tmp_path: Path, calls: list[Client]) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    with stub.engine(tmp_path, {"GET /services": cut}) as served:
        calls.append(client := Client(served.host))
        with pytest.raises(EngineUnreachable, match="does not answer"):
            client.call("GET", "/services")


@pytest.mark.parametrize(("method", "asked"), [("GET", 2), ("POST", 1)])
def test_only_a_read_is_asked_again_when_the_connection_breaks(
    tmp_path: Path, method: str, asked: int, calls: list[Client]
) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    with stub.engine(tmp_path, {f"{method} /services": broken}) as served:
        calls.append(client := Client(served.host))
        with pytest.raises(EngineUnreachable, match="broke"):
            client.call(method, "/services")
    assert served.asked.count(f"{method} /v1.45/services") == asked


def test_a_broken_read_that_works_the_second_time(tmp_path: Path, calls: list[Client]) -> None:
    before: list[str] = []

    def once_broken(handler: BaseHTTPRequestHandler) -> None:
        if before:
            handler.reply([1])
        else:
            before.append("broken")
            handler.close_connection = True

    with stub.engine(tmp_path, {"GET /services": once_broken}) as served:
        calls.append(client := Client(served.host))
        assert client.call("GET", "/services") == [1]


def test_after_closing_the_next_call_connects_again(tmp_path: Path, calls: list[Client]) -> None:
    with stub.engine(tmp_path, {"GET /services": []}) as served:
        calls.append(client := Client(served.host))
        client.call("GET", "/services")
        client.close()
        assert client.call("GET", "/services") == []
    assert served.asked.count("GET /version") == 2


# --- surroundings ---


def test_the_surroundings_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[Client]) -> None:
    """Neither logins, also where they are broken, nor a proxy for the web, nor another bundle of authorities."""
    seen = {}

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.update(handler.headers)
        handler.reply([])

    (tmp_path / "config.json").write_text('{"auths": {"localhost": {"auth": "%"}}}')
    (tmp_path / ".netrc").write_text("machine localhost login me password canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    for name, value in (
        ("HOME", str(tmp_path)),
        ("DOCKER_CONFIG", str(tmp_path)),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("REQUESTS_CA_BUNDLE", "/nowhere"),
    ):
        monkeypatch.setenv(name, value)
    with stub.engine(tmp_path, {"GET /services": note}) as served:
        calls.append(client := Client(served.host))
        client.call("GET", "/services")
    assert "Authorization" not in seen
