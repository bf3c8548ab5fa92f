"""Small images made of busybox alone, pushed to a registry by its own protocol: no build, no engine, the same digests.

What an image holds: busybox with its applets in /bin, the users root and `app` (1000), /tmp, and /www/index.html with
the image's version.
"""

import fcntl
import gzip
import hashlib
import io
import json
import platform
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import urllib3

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
HERE = _ARCHITECTURES.get(platform.machine(), platform.machine())
"""The architecture of this machine, as images name it."""

OTHER = "arm64" if HERE == "amd64" else "amd64"
"""An architecture that this machine cannot run."""

HEALTHY = {
    "test": ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"],
    "interval": "300ms",
    "timeout": "2s",
    "retries": 5,
}
"""A `healthcheck` that `serve` passes."""

NEVER_HEALTHY = {
    "test": ["CMD-SHELL", "echo no database here; exit 1"],
    "interval": "200ms",
    "timeout": "2s",
    "retries": 2,
}
"""A `healthcheck` that nothing passes."""

_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n",
    "etc/group": "root:x:0:\napp:x:1000:\n",
}


@dataclass
class Images:
    """Pushes images to one registry; each method gives `repository@digest`."""

    registry: str  # host:port
    busybox: Path
    name: str = "releaser-test/box"
    headers: Mapping[str, str] = field(default_factory=dict)  # a login
    ca: str | None = None  # speaks TLS where there is one

    def serve(self, version: str = "v1", **more: object) -> str:
        """Answers on 8080 with its version; logs `serving VERSION`; ends on SIGTERM."""
        script = f"echo serving {version}; httpd -f -p 8080 -h /www & " + _UNTIL_TOLD
        return self.make(["/bin/sh", "-c", script], version, **more)

    def sleep(self, version: str = "v1", **more: object) -> str:
        """Runs and does nothing; ends on SIGTERM."""
        return self.make(
            ["/bin/sh", "-c", f"echo sleeping {version}; sleep 2147483647 & " + _UNTIL_TOLD], version, **more
        )

    def exit3(self, version: str = "v1", **more: object) -> str:
        """Says `giving up: no database` and ends with exit code 3."""
        return self.make(["/bin/sh", "-c", "echo starting; echo giving up: no database >&2; exit 3"], version, **more)

    def done(self, version: str = "v1", **more: object) -> str:
        """A job: says `migrated to VERSION` and ends with exit code 0."""
        return self.make(["/bin/sh", "-c", f"echo migrated to {version}"], version, **more)

    def other(self, version: str = "v1") -> str:
        """An image for an architecture that this machine is not."""
        return self.sleep(version, architecture=OTHER)

    def make(
        self,
        command: Sequence[str],
        version: str = "v1",
        *,
        architecture: str = HERE,
        files: Mapping[str, str] | None = None,
        **config: object,
    ) -> str:
        """Any image; `config` has the words of an OCI image configuration (Healthcheck, User, Volumes, …)."""
        digest, _ = self._manifest(command, version, architecture, files or {}, config)
        return f"{self.repository}@{digest}"

    def index(self, version: str = "v1") -> tuple[str, str, str]:
        """A `sleep` for both architectures: the index, this machine's manifest, the other one, as references."""
        children = []
        for architecture in (HERE, OTHER):
            command = ["/bin/sh", "-c", f"echo sleeping {version}; sleep 2147483647 & " + _UNTIL_TOLD]
            digest, size = self._manifest(command, version, architecture, {}, {})
            where = {"os": "linux", "architecture": architecture}
            children.append({"mediaType": _MANIFEST, "digest": digest, "size": size, "platform": where})
        index, _ = self._document(_INDEX, {"manifests": children})
        return tuple(f"{self.repository}@{digest}" for digest in (index, *(one["digest"] for one in children)))

    def tag(self, reference: str, tag: str) -> str:
        """Names an image in the registry; gives `repository:tag`."""
        digest = reference.partition("@")[2]
        answer = self._send("GET", f"manifests/{digest}", expected=200, headers={"Accept": f"{_MANIFEST}, {_INDEX}"})
        kind = answer.headers["Content-Type"]
        self._send("PUT", f"manifests/{tag}", expected=201, body=answer.data, headers={"Content-Type": kind})
        return f"{self.repository}:{tag}"

    def document(self, reference: str) -> Any:
        """The manifest or index of `REPOSITORY@DIGEST` in this registry."""
        repository, _, digest = reference.partition("@")
        there = replace(self, name=repository.removeprefix(f"{self.registry}/"))
        accept = {"Accept": f"{_MANIFEST}, {_INDEX}"}
        return json.loads(there._send("GET", f"manifests/{digest}", expected=200, headers=accept).data)

    @property
    def repository(self) -> str:
        """Where the images are."""
        return f"{self.registry}/{self.name}"

    def _manifest(
        self,
        command: Sequence[str],
        version: str,
        architecture: str,
        files: Mapping[str, str],
        config: Mapping[str, object],
    ) -> tuple[str, int]:
        with _alone():
            return self._pushed(command, version, architecture, files, config)

    def _pushed(
        self,
        command: Sequence[str],
        version: str,
        architecture: str,
        files: Mapping[str, str],
        config: Mapping[str, object],
    ) -> tuple[str, int]:
        layers = [_system(self.busybox), _tar({"www/index.html": f"{version}\n", **files})]
        packed = [gzip.compress(layer, 1, mtime=0) for layer in layers]
        described = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Cmd": list(command), "Env": ["PATH=/bin"], "Labels": {"version": version}, **config},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
        }
        body = {
            "config": self._blob(_CONFIG, json.dumps(described).encode()),
            "layers": [self._blob(_LAYER, layer) for layer in packed],
        }
        return self._document(_MANIFEST, body)

    def _document(self, kind: str, body: Mapping[str, object]) -> tuple[str, int]:
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, **body}).encode()
        digest = _digest(data)
        if self._send("HEAD", f"manifests/{digest}", headers={"Accept": kind}).status == 200:
            return digest, len(data)
        self._send("PUT", f"manifests/{digest}", expected=201, body=data, headers={"Content-Type": kind})
        return digest, len(data)

    def _blob(self, kind: str, data: bytes) -> dict[str, object]:
        digest = _digest(data)
        if self._send("HEAD", f"blobs/{digest}").status != 200:
            place = self._send("POST", "blobs/uploads/", expected=202).headers["Location"]
            place += ("&" if "?" in place else "?") + f"digest={digest}"
            self._send("PUT", place, expected=201, body=data, headers={"Content-Type": "application/octet-stream"})
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def _send(
        self,
        method: str,
        path: str,
        *,
        expected: int | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        scheme = "https" if self.ca else "http"
        url = path if "://" in path else f"{scheme}://{self.registry}/v2/{self.name}/{path}"
        with urllib3.PoolManager(ca_certs=self.ca, retries=False, timeout=10) as pool:
            answer = pool.request(method, url, body=body, headers={**self.headers, **(headers or {})})
        assert expected in {None, answer.status}, f"{method} {url}: {answer.status} {answer.data!r}"
        return answer


@contextmanager
def _alone() -> Iterator[None]:
    """No other worker pushes: the registry says that it has a blob before it can be referred to."""
    with (Path(tempfile.gettempdir()) / "releaser-test-push.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_UNTIL_TOLD = "trap 'kill $!; exit 0' TERM INT; wait"


@cache
def _system(busybox: Path) -> bytes:
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True, timeout=10).stdout.split()
    return _tar(_ACCOUNTS, program=busybox.read_bytes(), applets=[name for name in applets if name != "busybox"])


def _tar(files: Mapping[str, str], program: bytes | None = None, applets: Sequence[str] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:

        def add(name: str, mode: int, data: bytes | None = None, link: str | None = None) -> None:
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if link is not None:
                entry.type, entry.linkname = tarfile.SYMTYPE, link
            elif data is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data or b""))

        for folder in sorted({str(parent) for name in files for parent in Path(name).parents} - {"."}):
            add(folder, 0o755)
        for name, text in sorted(files.items()):
            add(name, 0o644, text.encode())
        if program is not None:
            add("tmp", 0o1777)
            add("bin", 0o755)
            add("bin/busybox", 0o755, program)
            for name in applets:
                add(f"bin/{name}", 0o777, link="busybox")
    return out.getvalue()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
