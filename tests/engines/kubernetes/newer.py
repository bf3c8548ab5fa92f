"""A server newer than any that the test bed can run, in a few lines: it answers from the published OpenAPI.

The official client's models are generated from it (release-1.37), and say which fields a kind has and of which type.
What a real server of that age does beyond its published schema is NOT OBSERVED here: defaults, admission, controllers.
"""

import copy
import json
import re
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, get_args
from urllib.parse import parse_qs, urlsplit

from kubernetes import client
from pydantic import BaseModel, ValidationError

from releaser.model.value import JsonMap

Body = dict[str, Any]

SERVED = {
    "": {"v1": "ConfigMap Secret Service PersistentVolumeClaim Pod Event ServiceAccount ResourceQuota LimitRange"},
    "apps": {"v1": "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision"},
    "batch": {"v1": "Job CronJob"},
    "autoscaling": {"v2": "HorizontalPodAutoscaler", "v1": "HorizontalPodAutoscaler"},
    "networking.k8s.io": {"v1": "Ingress NetworkPolicy"},
    "policy": {"v1": "PodDisruptionBudget"},
    "rbac.authorization.k8s.io": {"v1": "Role RoleBinding"},
}
"""Group → version → kinds; the first version is the preferred one."""
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


def plural(kind: str) -> str:
    """The word of a kind's path."""
    return PLURALS.get(kind, f"{kind.lower()}s")


def model(api_version: str, kind: str) -> type[BaseModel]:
    """The published schema of a kind."""
    version = api_version.rpartition("/")[2]
    name = "CoreV1Event" if kind == "Event" else f"{version[0].upper()}{version[1:]}{kind}"
    found: type[BaseModel] = getattr(client, name)
    return found


def problems(body: JsonMap) -> Iterator[str]:
    """What a server would say of an object with `fieldValidation=Strict`."""
    schema = model(body["apiVersion"], body["kind"])
    yield from (f'unknown field "{field}"' for field in _unknown(schema, body, ""))
    try:
        schema.model_validate(body)
    except ValidationError as error:
        for one in error.errors():
            field = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(part) for part in one["loc"]))
            yield f"{field}: {one['msg']}"


def _unknown(schema: type[BaseModel], body: Any, at: str) -> Iterator[str]:
    fields = {field.serialization_alias or name: field for name, field in schema.model_fields.items()}
    for key, value in body.items():
        if key not in fields:
            yield f"{at}{key}"
            continue
        below = next((one for one in _arguments(fields[key].annotation) if _is_model(one)), None)
        if below is None:
            continue
        if isinstance(value, dict):
            yield from _unknown(below, value, f"{at}{key}.")
        for index, one in enumerate(value if isinstance(value, list) else ()):
            if isinstance(one, dict):
                yield from _unknown(below, one, f"{at}{key}[{index}].")


def _arguments(annotation: Any) -> Iterator[Any]:
    yield annotation
    for one in get_args(annotation):
        yield from _arguments(one)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


class NewerServer:
    """Keeps objects as they are applied; workloads are rolled out at once."""

    def __init__(self) -> None:
        self.objects: dict[str, Body] = {}
        self.asked: list[tuple[str, str]] = []
        self._version = 0
        self._guard = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout: ClassVar[float] = 10

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                url = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                owner.asked.append((self.command, url.path))
                with owner._guard:
                    code, found = owner.answer(self.command, url.path, query, body)
                data = json.dumps(found).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and document."""
        if method == "GET" and re.fullmatch(r"/api/v1/namespaces/[^/]+", path):
            return 200, {"metadata": {"name": path.rpartition("/")[2], "uid": "namespace-1"}}
        found = re.fullmatch(r"/(?:api|apis/(?P<group>[^/]+))(?:/(?P<version>[^/]+)(?P<rest>/.*)?)?", path)
        group, version = (found["group"] or "", found["version"]) if found else ("", None)
        versions = SERVED.get(group, {})
        if found is None or not versions or (version is not None and version not in versions):
            return _status(404, "NotFound", f"the server could not find {path}")
        if version is None:
            names = [{"version": one} for one in versions]
            return 200, {"preferredVersion": names[0], "versions": names}
        kinds = {plural(kind): kind for kind in versions[version].split()}
        if not found["rest"]:
            return 200, {"resources": [{"name": one, "kind": kinds[one], "namespaced": True} for one in kinds]}
        _, _, namespace, *rest = found["rest"].split("/")
        if rest[0] not in kinds:
            return _status(404, "NotFound", f"the server could not find {path}")
        if isinstance(body, dict) and "metadata" in body:
            body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        return self._object(method, (group, kinds[rest[0]], *rest[1:]), query, body)

    def _object(self, method: str, place: tuple[str, ...], query: dict[str, str], body: Any) -> tuple[int, Any]:
        group, kind, *names = place
        start = f"{group}/{kind}/"
        if method == "POST":
            return self._put(start + body["metadata"]["name"], body, query)
        if not names:
            items = [one for key, one in sorted(self.objects.items()) if key.startswith(start)]
            return 200, {"metadata": {"resourceVersion": str(self._version)}, "items": items}
        key = start + names[0]
        if method == "PATCH" and isinstance(body, dict):
            return self._put(key, body, query)
        if key not in self.objects:
            return _status(404, "NotFound", f"{key} not found")
        if method == "DELETE":
            return 200, self.objects.pop(key)
        return 200, self.objects[key]

    def _put(self, key: str, body: Body, query: dict[str, str]) -> tuple[int, Any]:
        wrong = list(problems(body))
        if wrong and query.get("fieldValidation") == "Strict":
            return _status(400, "BadRequest", f"strict decoding error: {', '.join(wrong)}")
        old, made = self.objects.get(key), copy.deepcopy(body)
        self._version += 1
        metadata = made["metadata"]
        same = old is not None and old.get("spec") == made.get("spec")
        metadata["uid"] = old["metadata"]["uid"] if old else str(uuid.uuid4())
        metadata["generation"] = (old["metadata"]["generation"] + (not same)) if old else 1
        metadata["resourceVersion"] = str(self._version)
        metadata["managedFields"] = [
            {"manager": query["fieldManager"], "operation": "Apply", "fieldsV1": _fields(body)}
        ]
        made["status"] = _rolled_out(made)
        if "dryRun" not in query:
            self.objects[key] = made
        return 200, made


def _fields(tree: Any) -> Any:
    return {f"f:{key}": _fields(value) for key, value in tree.items()} if isinstance(tree, dict) else {}


def _rolled_out(body: Body) -> Body:
    wanted = (body.get("spec") or {}).get("replicas", 1)
    counted = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), wanted)
    if body["kind"] == "Job":
        done = {"type": "Complete", "status": "True"}
        return {"succeeded": 1, "conditions": [done]}
    return {"observedGeneration": body["metadata"]["generation"], **counted}


def _status(code: int, reason: str, message: str) -> tuple[int, Body]:
    return code, {"kind": "Status", "code": code, "reason": reason, "message": message}
