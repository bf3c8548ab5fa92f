"""An admission webhook of the tests' own, which the cluster asks about objects of one namespace."""

import base64
import json
import ssl
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.objects import parse
from releaser.model.value import JsonMap

LABEL = "releaser.test/webhook"
Judge = Callable[[JsonMap], JsonMap]
"""An object → the answer: `allowed`, `status`, and `patch` as JSON Patch operations."""


class Webhook:
    """Answers over HTTPS on this machine; the cluster is told of it by `register`."""

    def __init__(self, judge: Judge) -> None:
        self.name = f"t-{uuid.uuid4().hex[:8]}"
        self.dry_runs: list[bool] = []
        self.released = threading.Event()
        authority = trustme.CA()
        self._authority = authority.cert_pem.bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
                owner.dry_runs.append(bool(asked.get("dryRun")))
                answer: dict[str, Any] = {"uid": asked["uid"], "allowed": True, **judge(asked["object"])}
                if "patch" in answer:
                    patch = base64.b64encode(json.dumps(answer["patch"]).encode()).decode()
                    answer |= {"patch": patch, "patchType": "JSONPatch"}
                review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
                data = json.dumps(review).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def register(self, api: Api, *, side_effects: str = "None", seconds: int = 5, plural: str = "deployments") -> None:
        """Have the cluster ask about objects of this kind in the namespace, which is made for it."""
        api.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": api.namespace, "labels": {LABEL: self.name}},
            },
            manager="test",
        )
        hook = {
            "name": f"{self.name}.releaser.test",
            "clientConfig": {
                "url": f"https://127.0.0.1:{self._http.server_port}/",
                "caBundle": base64.b64encode(self._authority).decode(),
            },
            "rules": [
                {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [plural]}
            ],
            "namespaceSelector": {"matchLabels": {LABEL: self.name}},
            "sideEffects": side_effects,
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": seconds,
            "failurePolicy": "Fail",
        }
        version = "v1" if side_effects == "None" else "v1beta1"  # v1 takes no other word
        api.apply(
            {
                "apiVersion": f"admissionregistration.k8s.io/{version}",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": self.name},
                "webhooks": [hook],
            },
            manager="test",
        )

    def close(self, api: Api) -> None:
        """Have the cluster ask no more, and end."""
        id_ = parse(f"mutatingwebhookconfiguration.admissionregistration.k8s.io/{self.name}")
        found = api.get(id_)
        if found is not None:
            api.delete(id_, found["metadata"]["uid"])
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
