"""Engines behind TLS and `ssh`: what is agreed, what is refused, and in which words."""

import hashlib
import json
import os
import ssl
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from releaser.engines.moby.client import Client
from releaser.engines.moby.hosts import find
from releaser.engines.moby.ssh import argv
from releaser.model.errors import EngineUnreachable
from tests.engines.moby import stub

Connect = Callable[..., Client]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """`connect(HOST, VARIABLE=value, …)`: a client in surroundings of its own."""
    made: list[Client] = []

    def client(host: str | None, **environ: str) -> Client:
        usual = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}
        made.append(Client(host, environ={**usual, **environ}))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[stub.Stub]:
    """An engine that says who it is."""
    with stub.engine(tmp_path, {"GET /info": {"ID": "x"}}) as served:
        yield served


# --- TLS ---


class Authority:
    """Who signs certificates, those of servers on this machine and those of clients."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.folder = folder

    def server(self, *, asks: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert("127.0.0.1").configure_cert(context)
        if asks:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def certificates(self, name: str, *, client: bool = False) -> Path:
        """A folder as DOCKER_CERT_PATH names it."""
        folder = self.folder / name
        folder.mkdir()
        self.ca.cert_pem.write_to_path(folder / "ca.pem")
        if client:
            own = self.ca.issue_cert("client.test")
            own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
            own.private_key_pem.write_to_path(folder / "key.pem")
        return folder


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_tls_with_a_clients_certificate(
    engine: stub.Stub, authority: Authority, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    own = authority.certificates("own", client=True)
    with stub.forwarded(engine.host, authority.server(asks=True)) as port:
        client = connect(f"tcp://127.0.0.1:{port}", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(own))
        assert client.info() == {"ID": "x"}
        assert connect(f"tcp://127.0.0.1:{port}", DOCKER_CERT_PATH=str(own)).info() == {"ID": "x"}


def test_a_server_that_somebody_else_vouches_for(engine: stub.Stub, authority: Authority, connect: Connect) -> None:
    folder = authority.folder / "other"
    folder.mkdir()
    other = Authority(folder).certificates("own")
    for variables in ({"DOCKER_TLS_VERIFY": "1"}, {}):  # without the first Docker's own programs would go on
        with stub.forwarded(engine.host, authority.server()) as port:
            client = connect(f"tcp://127.0.0.1:{port}", DOCKER_CERT_PATH=str(other), **variables)
            with pytest.raises(EngineUnreachable, match=r"does not agree on TLS: .*certificate") as found:
                client.info()
        assert found.value.hint == f"put the authority that signed its certificate into {other}/ca.pem"


def test_a_server_of_another_name(engine: stub.Stub, authority: Authority, connect: Connect) -> None:
    own = authority.certificates("own")
    with stub.forwarded(engine.host, authority.server()) as port:
        client = connect(f"tcp://localhost:{port}", DOCKER_CERT_PATH=str(own))
        with pytest.raises(EngineUnreachable, match=r"does not agree on TLS: hostname mismatch") as found:
            client.info()
    assert found.value.hint == "name the host as its certificate does"


def test_a_server_that_asks_for_our_certificate(engine: stub.Stub, authority: Authority, connect: Connect) -> None:
    own = authority.certificates("own")
    with stub.forwarded(engine.host, authority.server(asks=True)) as port:
        client = connect(f"tcp://127.0.0.1:{port}", DOCKER_CERT_PATH=str(own))
        with pytest.raises(EngineUnreachable, match=r"does not agree on TLS|broke the connection off") as found:
            client.info()
    assert f"{own}/cert.pem" in str(found.value.hint) or "info" in str(found.value.hint)


def test_tls_where_there_is_none(engine: stub.Stub, authority: Authority, connect: Connect) -> None:
    own = authority.certificates("own")
    with stub.forwarded(engine.host) as port:
        client = connect(f"tcp://127.0.0.1:{port}", DOCKER_CERT_PATH=str(own))
        with pytest.raises(EngineUnreachable, match="does not agree on TLS: wrong version number") as found:
            client.info()
    assert "unset DOCKER_TLS_VERIFY" in str(found.value.hint)


def test_no_tls_where_it_is_asked_for(engine: stub.Stub, authority: Authority, connect: Connect) -> None:
    with (
        stub.forwarded(engine.host, authority.server()) as port,
        pytest.raises(EngineUnreachable, match="broke the connection off") as found,
    ):
        connect(f"tcp://127.0.0.1:{port}").info()
    assert "it may ask for TLS: set DOCKER_CERT_PATH" in str(found.value.hint)


def test_an_engine_that_says_that_it_asks_for_tls(tmp_path: Path, connect: Connect) -> None:
    said = (400, {"message": "Client sent an HTTP request to an HTTPS server."})
    with (
        stub.engine(tmp_path, {"GET /version": said}) as served,
        stub.forwarded(served.host) as port,
        pytest.raises(EngineUnreachable, match="asks for TLS, and was spoken to without"),
    ):
        connect(f"tcp://127.0.0.1:{port}").info()


def test_a_key_that_wants_a_password_asks_nobody(engine: stub.Stub, authority: Authority, connect: Connect) -> None:
    own = authority.certificates("own", client=True)
    (own / "key.pem").write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjA\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    with pytest.raises(EngineUnreachable, match="does not agree on TLS"):
        connect("tcp://127.0.0.1:1", DOCKER_CERT_PATH=str(own)).info()


def test_a_context_brings_its_own_certificates(
    engine: stub.Stub, authority: Authority, connect: Connect, tmp_path: Path
) -> None:
    key = hashlib.sha256(b"prod").hexdigest()
    with stub.forwarded(engine.host, authority.server(asks=True)) as port:
        meta = tmp_path / "contexts" / "meta" / key
        meta.mkdir(parents=True)
        endpoint = {"Host": f"tcp://127.0.0.1:{port}", "SkipTLSVerify": False}
        (meta / "meta.json").write_text(json.dumps({"Name": "prod", "Endpoints": {"docker": endpoint}}))
        material = tmp_path / "contexts" / "tls" / key
        material.mkdir(parents=True)
        authority.certificates("own", client=True).rename(material / "docker")

        client = connect("context:prod", DOCKER_CERT_PATH="/nowhere")
        assert (client.info(), client.place) == ({"ID": "x"}, "context prod")
        assert connect(None, DOCKER_CONTEXT="prod").info() == {"ID": "x"}
    with pytest.raises(EngineUnreachable, match=rf"context prod \(tcp://127\.0\.0\.1:{port}\) does not run"):
        connect("context:prod").info()


def test_a_context_that_takes_any_server(
    engine: stub.Stub, authority: Authority, connect: Connect, tmp_path: Path
) -> None:
    key = hashlib.sha256(b"lax").hexdigest()
    with stub.forwarded(engine.host, authority.server()) as port:
        meta = tmp_path / "contexts" / "meta" / key
        meta.mkdir(parents=True)
        endpoint = {"Host": f"tcp://localhost:{port}", "SkipTLSVerify": True}
        (meta / "meta.json").write_text(json.dumps({"Name": "lax", "Endpoints": {"docker": endpoint}}))
        material = tmp_path / "contexts" / "tls" / key
        material.mkdir(parents=True)
        authority.certificates("own").rename(material / "docker")

        assert connect("context:lax").info() == {"ID": "x"}


# --- ssh ---


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://host", ["--", "host", "docker system dial-stdio"]),
        ("ssh://me@host:2222", ["-l", "me", "-p", "2222", "--", "host", "docker system dial-stdio"]),
        ("ssh://host/run/my$.sock", ["--", "host", "docker --host 'unix:///run/my$.sock' system dial-stdio"]),
    ],
)
def test_the_command_of_ssh(address: str, words: list[str]) -> None:
    usual = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-T"]
    assert argv(find(address, {})) == [*usual, *words]


class Ssh:
    """A program `ssh` on the PATH; what it was called with is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.calls = folder / "ssh.calls"

    def does(self, script: str) -> dict[str, str]:
        """The environment in which this is `ssh`."""
        program = self.folder / "ssh"
        program.write_text(f'#!/bin/sh\necho "$*" >>{self.calls}\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def leads_to(self, host: str) -> dict[str, str]:
        """The same, for one that carries bytes to a socket."""
        carrier = self.folder / "carry.py"
        carrier.write_text(_CARRIER)
        return self.does(f"exec {sys.executable} {carrier} {host.removeprefix('unix://')}")


_CARRIER = """\
import os, socket, sys, threading
engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
def there():
    while data := os.read(0, 65536):
        engine.sendall(data)
    engine.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
while data := engine.recv(65536):
    os.write(1, data)
"""


@pytest.fixture
def ssh(tmp_path: Path) -> Ssh:
    return Ssh(tmp_path)


def test_through_ssh(engine: stub.Stub, ssh: Ssh, connect: Connect) -> None:
    client = connect("ssh://me@far.test:2222", **ssh.leads_to(engine.host))

    assert client.info() == {"ID": "x"}
    assert client.place == "ssh://me@far.test:2222"
    for _ in range(5):
        assert client.call("GET", "/info") == {"ID": "x"}
    client.close()
    usual = "-o BatchMode=yes -o ConnectTimeout=10 -T -l me -p 2222 -- far.test docker system dial-stdio"
    assert ssh.calls.read_text().splitlines() == [usual], "one program carries all that is asked in turn"


def test_parallel_reads_through_ssh(engine: stub.Stub, ssh: Ssh, connect: Connect) -> None:
    client = connect("ssh://far.test", **ssh.leads_to(engine.host))
    assert client.each([client.info] + [lambda: client.call("GET", "/info")] * 12) == [{"ID": "x"}] * 13
    assert len(ssh.calls.read_text().splitlines()) <= 8


@pytest.mark.parametrize(
    ("said", "code", "hint"),
    [
        ("me@far.test: Permission denied (publickey,password).", 255, "let `ssh me@far.test` work without a question"),
        ("Host key verification failed.", 255, "connect once by hand, and compare the key: ssh me@far.test"),
        ("ssh: connect to host far.test port 22: Connection refused", 255, "ssh me@far.test docker info"),
        ("bash: line 1: docker: command not found", 127, "the docker command has to be on the PATH of that user"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", 1, "ssh me@far.test docker info"),
    ],
)
def test_what_ssh_says_is_said(ssh: Ssh, connect: Connect, said: str, code: int, hint: str) -> None:
    client = connect("ssh://me@far.test", **ssh.does(f"echo '{said}' >&2; exit {code}"))
    with pytest.raises(EngineUnreachable) as found:
        client.info()
    assert found.value.message == f"the engine at ssh://me@far.test is not reached by ssh: {said}"
    assert hint in str(found.value.hint)


def test_ssh_that_says_nothing(ssh: Ssh, connect: Connect) -> None:
    with pytest.raises(EngineUnreachable, match="is not reached by ssh: ssh ended with exit code 7"):
        connect("ssh://far.test", **ssh.does("exit 7")).info()


def test_no_program_ssh(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable, match="there is no program ssh") as found:
        connect("ssh://far.test", PATH=str(tmp_path)).info()
    assert "OpenSSH" in str(found.value.hint)


def test_ssh_that_hangs(ssh: Ssh, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("releaser.engines.moby.connection.LIMIT", 0.4)
    monkeypatch.setattr("releaser.engines.moby.ssh._END", 0.2)
    with pytest.raises(EngineUnreachable, match=r"the engine at ssh://far\.test does not answer within"):
        connect("ssh://far.test", **ssh.does("exec sleep 60")).info()


def test_ssh_ends_with_its_client(ssh: Ssh, engine: stub.Stub, connect: Connect, tmp_path: Path) -> None:
    environ = ssh.leads_to(engine.host)
    program = ssh.folder / "ssh"
    program.write_text(program.read_text().replace("exec", f"echo $$ >>{tmp_path}/pids; exec"))
    client = connect("ssh://far.test", **environ)
    client.info()
    pid = int((tmp_path / "pids").read_text())
    os.kill(pid, 0)

    client.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
