"""Ways into a cluster: a pod's service account, and OIDC whose token has expired."""

import base64
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import trustme

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import EngineUnreachable
from tests.engines.kubernetes.conftest import KubernetesLab, token
from tests.engines.kubernetes.test_api import CONFIG_MAP, MAPS, Server, kubeconfig
from tests.engines.swarm.shop import Shop

REPOSITORY = Path(__file__).resolve().parents[3]
IN_A_POD = """
mkdir -p /var/run/secrets && mount -t tmpfs none /var/run/secrets
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
cp "$FOLDER/token" "$FOLDER/ca.crt" /var/run/secrets/kubernetes.io/serviceaccount/
exec "$@"
"""


@pytest.mark.engines
def test_in_a_pod_its_service_account_delivers(shop: Shop, lab: KubernetesLab, tmp_path: Path) -> None:
    """A mount namespace stands for the pod: the test bed's pods do not reach the API server."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text(token(lab.api))
    configuration = lab.api._connection._opened().configuration
    (folder / "ca.crt").write_bytes(Path(configuration.ssl_ca_cert).read_bytes())
    host, _, port = configuration.host.rpartition("/")[2].partition(":")
    shop.declare({"api": {"image": "api"}})
    environ = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    pod = {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "HOME": str(tmp_path),
        "FOLDER": str(folder),
    }
    release = [sys.executable, "-m", "releaser", "-C", str(shop.root), "promote", "v1", "--to", "test1", "--yes"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", IN_A_POD, "sh", *release],
        env={**environ, **pod, "FOLDER": str(folder), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"kubernetes in-cluster/{lab.api.namespace}" in done.stdout
    assert lab.get("deployment.apps/api")["status"]["readyReplicas"] == 1


class Provider:
    """An OIDC provider that has one refresh token."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, {"issuer": owner.address, "token_endpoint": f"{owner.address}/token"})

            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                owner.asked.append(sent["refresh_token"][0])
                if sent["refresh_token"] == ["good"]:
                    tokens = {"id_token": jwt(expires=3600), "refresh_token": "next"}
                    self._answer(200, {"access_token": "a", "token_type": "Bearer", **tokens})
                else:
                    self._answer(400, {"error": "invalid_grant", "error_description": "the session has ended"})

            def _answer(self, status: int, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        authority = trustme.CA()
        self.authority = authority.cert_pem.bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def user(self, expires: float, refresh: str) -> dict[str, object]:
        """A kubeconfig's user whose token has expired, or not."""
        config = {
            "client-id": "kubernetes",
            "client-secret": "s",
            "id-token": jwt(expires),
            "refresh-token": refresh,
            "idp-issuer-url": self.address,
            "idp-certificate-authority-data": base64.b64encode(self.authority).decode(),
        }
        return {"auth-provider": {"name": "oidc", "config": config}}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def jwt(expires: float) -> str:
    """A token that expires in so many seconds; nobody looks at its signature here."""
    parts = ({"alg": "none"}, {"sub": "ann", "exp": int(time.time() + expires)}, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.mark.parametrize(("expires", "asked"), [(3600.0, []), (-60.0, ["good"])])
def test_an_oidc_token_is_refreshed_when_it_has_expired(
    provider: Provider,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expires: float,
    asked: list[str],
) -> None:
    user = provider.user(expires, "good")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address, user)))
    server.answers[f"{MAPS}/app"] = [(200, CONFIG_MAP)]
    assert Api(Connection(), "shop").get(parse("configmap/app")) == CONFIG_MAP
    assert provider.asked == asked
    bearer = server.asked[0][2]["authorization"].removeprefix("Bearer ")
    payload = json.loads(base64.urlsafe_b64decode(bearer.split(".")[1] + "=="))
    assert payload["exp"] > time.time()


def test_an_oidc_session_that_has_ended(
    provider: Provider, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = provider.user(-60, "old")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server.address, user)))
    with pytest.raises(EngineUnreachable, match="credentials of context") as refused:
        Api(Connection(), "shop").get(parse("configmap/app"))
    assert "the session has ended" in refused.value.message
    assert server.asked == []
