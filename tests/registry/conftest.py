"""A scripted registry, a made-up network, and logins that no test shares with the person who runs it."""

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
import trustme

from tests.contracts.scripted_registry import Network, ScriptedRegistry


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no login and no authority of the person who runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def scripted() -> Iterator[ScriptedRegistry]:
    """A registry at 127.0.0.1 in plain HTTP."""
    with ScriptedRegistry() as registry:
        yield registry


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> Callable[[str], trustme.LeafCert]:
    return cache(authority.issue_cert)


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    """The authority's file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network = Network()
    network.install(monkeypatch)
    return network


@pytest.fixture
def secure(
    certificate: Callable[[str], trustme.LeafCert], network: Network
) -> Iterator[Callable[[str, str], ScriptedRegistry]]:
    """`secure(NAME, ADDRESS)`: a registry over TLS on the made-up network."""
    with ExitStack() as stack:

        def make(name: str, address: str) -> ScriptedRegistry:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate(name).configure_cert(context)
            registry = stack.enter_context(ScriptedRegistry(context))
            network.place(name, address, registry)
            return registry

        yield make


@pytest.fixture
def logged_in(tmp_path: Path) -> Callable[..., None]:
    """`logged_in(KEY, USER, PASSWORD)`: as docker login leaves it."""

    def write(key: str, user: str = "ada", password: str = "canary-password") -> None:
        folder = tmp_path / "docker"
        folder.mkdir(exist_ok=True)
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {key: {"auth": auth}}}))

    return write
