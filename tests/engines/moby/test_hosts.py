"""Which engine is meant, in Docker's own order; and what is no address of one."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from releaser.engines.moby import hosts
from releaser.engines.moby.hosts import Host
from releaser.model.errors import EngineUnreachable


class Home:
    """A user's Docker configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"DOCKER_CONFIG": str(folder), "HOME": str(folder)}

    def config(self, text: str) -> None:
        (self.folder / "config.json").write_text(text)

    def context(self, name: str, host: object, *files: str, skip: bool = False) -> None:
        key = hashlib.sha256(name.encode()).hexdigest()
        meta = self.folder / "contexts" / "meta" / key
        meta.mkdir(parents=True)
        endpoint = {"Host": host, "SkipTLSVerify": skip}
        (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
        self.certificates(self.folder / "contexts" / "tls" / key / "docker", *files)

    @staticmethod
    def certificates(folder: Path, *files: str) -> Path:
        for file in files:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text("x")
        return folder

    def find(self, declared: str | None = None, **more: str) -> Host:
        return hosts.find(declared, {**self.environ, **more})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("declared", "environ", "place"),
    [
        (None, {}, "unix:///var/run/docker.sock"),
        (None, {"DOCKER_HOST": "tcp://h:1"}, "tcp://h:1"),
        (None, {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "other"}, "tcp://h:1"),
        (None, {"DOCKER_CONTEXT": "other"}, "context other"),
        (None, {"DOCKER_CONTEXT": "default"}, "unix:///var/run/docker.sock"),
        ("unix:///own.sock", {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "other"}, "unix:///own.sock"),
        ("context:other", {"DOCKER_HOST": "tcp://h:1"}, "context other"),
        ("context:default", {"DOCKER_CONTEXT": "other", "DOCKER_HOST": "tcp://h:1"}, "tcp://h:1"),
        ("context:default", {"DOCKER_CONTEXT": "other"}, "unix:///var/run/docker.sock"),
    ],
)
def test_what_is_declared_comes_first_then_dockers_order(
    home: Home, declared: str | None, environ: Mapping[str, str], place: str
) -> None:
    home.context("other", "unix:///other.sock")
    assert home.find(declared, **environ).place == place


def test_the_current_context_comes_before_the_socket(home: Home) -> None:
    home.context("here", "unix:///here.sock")
    home.config('{"currentContext": "here", "auths": {}}')

    found = home.find()
    assert (found.place, found.path, found.command) == ("context here", "/here.sock", "docker --context here")
    assert home.find(DOCKER_HOST="tcp://h:1").place == "tcp://h:1"
    for text in ("{}", '{"currentContext": ""}', '{"currentContext": null}', ""):
        home.config(text)
        assert home.find().place == hosts.SOCKET
        assert home.find().command == "docker"


def test_a_configuration_that_cannot_be_read_leads_to_no_other_engine(home: Home) -> None:
    home.config('{"currentContext": "production"')

    with pytest.raises(
        EngineUnreachable, match=r"config\.json, which names the current Docker context, is not"
    ) as found:
        home.find()
    assert "engine: {host: …}" in str(found.value.hint)
    assert hosts.place_of(None, home.environ) == "the current Docker context"
    assert home.find("unix:///own.sock").place == "unix:///own.sock"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("unix:///run/docker.sock", {"scheme": "unix", "path": "/run/docker.sock"}),
        ("unix://run/docker.sock", {"scheme": "unix", "path": "/run/docker.sock"}),
        ("unix://", {"scheme": "unix", "path": "/var/run/docker.sock"}),
        ("tcp://h", {"scheme": "tcp", "name": "h", "port": 2375}),
        ("tcp://h:1234/", {"scheme": "tcp", "name": "h", "port": 1234}),
        ("tcp://[::1]:5", {"scheme": "tcp", "name": "::1", "port": 5}),
        ("https://h", {"scheme": "tcp", "name": "h", "port": 2376, "tls": hosts.Tls()}),
        ("ssh://h", {"scheme": "ssh", "name": "h", "port": None, "user": None, "path": ""}),
        ("ssh://me@h:22/run/d.sock", {"scheme": "ssh", "name": "h", "port": 22, "user": "me", "path": "/run/d.sock"}),
    ],
)
def test_addresses(home: Home, address: str, expected: Mapping[str, object]) -> None:
    found = home.find(address)
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.place, found.command) == (address, f"docker -H {address}")


@pytest.mark.parametrize(
    "address",
    [
        "docker.example.com:2375",
        "/var/run/docker.sock",
        "npipe:////./pipe/docker_engine",
        "fd://",
        "tcp://",
        "tcp://h:port",
        "tcp://h:1/path",
        "tcp://me@h:1",
        "tcp://h:1?x=1",
        "ssh://-oProxyCommand=touch",
        "ssh://-me@h",
        "ssh://h h",
        "tcp://[::1",
    ],
)
def test_what_is_no_address(home: Home, address: str) -> None:
    with pytest.raises(EngineUnreachable, match="is no address of an engine that is known here") as found:
        home.find(address)
    assert "ssh://USER@HOST" in str(found.value.hint)


def test_a_password_is_refused_and_not_shown(home: Home) -> None:
    for address in ("ssh://me:canary@h", "tcp://me:canary@h:1", "tcp://me:canary@h:port"):
        with pytest.raises(EngineUnreachable, match=r"me:\*\*\*@h") as found:
            home.find(address)
        assert "canary" not in f"{found.value.message} {found.value.hint}"
        assert "canary" not in hosts.place_of(address, home.environ)


def test_no_such_context(home: Home) -> None:
    with pytest.raises(EngineUnreachable, match="there is no Docker context prod in ") as found:
        home.find("context:prod")
    assert found.value.hint == "see which there are: docker context ls"
    assert hosts.place_of("context:prod", home.environ) == "context:prod"


def test_a_context_that_docker_did_not_write(home: Home) -> None:
    home.context("odd", {"not": "text"})
    with pytest.raises(EngineUnreachable, match="the Docker context odd is not what Docker writes"):
        home.find("context:odd")


# --- TLS ---


def test_tls_as_dockers_variables_ask_for_it(home: Home, tmp_path: Path) -> None:
    own = home.certificates(tmp_path / "own", "ca.pem", "cert.pem", "key.pem")
    home.certificates(tmp_path, "ca.pem")

    assert home.find("tcp://h:1").tls is None
    both = hosts.Tls(ca=own / "ca.pem", cert=own / "cert.pem", key=own / "key.pem")
    assert home.find("tcp://h:1", DOCKER_CERT_PATH=str(own)).tls == both
    assert home.find("tcp://h:1", DOCKER_CERT_PATH=str(own), DOCKER_TLS_VERIFY="1").tls == both
    assert home.find("tcp://h:1", DOCKER_TLS_VERIFY="1").tls == hosts.Tls(ca=tmp_path / "ca.pem")
    assert home.find("tcp://h", DOCKER_TLS_VERIFY="1").port == 2376
    assert home.find("unix:///x", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH="/nowhere").tls is None


def test_certificates_that_are_not_there(home: Home, tmp_path: Path) -> None:
    half = home.certificates(tmp_path / "half", "ca.pem", "cert.pem")
    with pytest.raises(EngineUnreachable, match=r"cert\.pem is of no use without key\.pem"):
        home.find("tcp://h:1", DOCKER_CERT_PATH=str(half))
    with pytest.raises(EngineUnreachable, match="there are no certificates in /nowhere"):
        home.find("tcp://h:1", DOCKER_CERT_PATH="/nowhere")


def test_tls_of_a_context_is_its_own(home: Home) -> None:
    home.context("ca", "tcp://h:1", "ca.pem")
    home.context("all", "tcp://h:1", "ca.pem", "cert.pem", "key.pem", skip=True)
    home.context("none", "tcp://h:1")

    tls = home.find("context:ca").tls
    assert tls is not None
    assert (tls.ca is not None, tls.cert, tls.verify) == (True, None, True)
    tls = home.find("context:all").tls
    assert tls is not None
    assert (tls.ca is not None, tls.cert is not None, tls.verify) == (True, True, False)
    assert home.find("context:none", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH="/nowhere").tls is None


@pytest.mark.engines
def test_contexts_that_docker_wrote(home: Home, require: object, tmp_path: Path) -> None:
    require("RELEASER_TEST_DOCKER")
    environ = {**os.environ, **home.environ}
    environ.pop("DOCKER_HOST", None)
    authority = trustme.CA()
    own = authority.issue_cert("client.test")
    pems = {"ca": authority.cert_pem, "cert": own.cert_chain_pems[0], "key": own.private_key_pem}
    for kind, pem in pems.items():
        pem.write_to_path(tmp_path / f"{kind}.pem")
    files = ",".join(f"{kind}={tmp_path}/{kind}.pem" for kind in pems)

    for words in (
        ["create", "plain", "--docker", "host=ssh://me@h"],
        ["create", "tls", "--docker", f"host=tcp://h:2376,{files}"],
        ["use", "plain"],
    ):
        subprocess.run(["docker", "context", *words], env=environ, check=True, capture_output=True, timeout=30)

    assert home.find().place == "context plain"
    assert (home.find().user, home.find().name) == ("me", "h")
    tls = home.find("context:tls").tls
    assert tls is not None
    assert [file.read_bytes() for file in (tls.ca, tls.cert, tls.key) if file] == [pem.bytes() for pem in pems.values()]
