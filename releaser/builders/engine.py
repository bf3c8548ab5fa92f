"""The builder `engine`: the Docker Engine's own API, without a client beside it.

BuildKit builds where it can without a session; the classic builder where a base image needs a login.
https://docs.docker.com/reference/api/engine/
"""

import base64
import json
import time
from contextlib import closing
from pathlib import Path

from releaser.builders.base_digests import with_local
from releaser.builders.buildkit_trace import read
from releaser.builders.context import file_of, packed
from releaser.builders.progress import Progress
from releaser.builders.pushing import push
from releaser.engines.moby.client import Client, Refused
from releaser.engines.moby.pulls import events
from releaser.model.build import Build, Built
from releaser.model.errors import BuildFailed
from releaser.model.value import JsonMap
from releaser.planning.dockerfile import bases
from releaser.ports.building import Tell

_CLASSIC, _BUILDKIT = "1", "2"
_SILENCE = 30.0
"""Seconds that the engine may be silent after a build's own time is over: who waits looks at that time himself."""
_NEEDS_SESSION = "no active sessions"
_CONTAINERD = "failed to read downloaded context"
"""https://github.com/moby/moby/issues/47717; the classic builder would do it, and give another digest each time."""


class EngineBuilder:
    """Builds on one Docker Engine; implements ports.Builder."""

    def __init__(self, client: Client, root: Path) -> None:
        self._client = client
        self._root = root

    def build(self, build: Build, tell: Tell) -> Built:
        """The image of a context. Raises BuildFailed, BadArgument, EngineUnreachable."""
        context = packed(self._root, build, tell)
        return with_local(self._client, self._either(build, context, tell))

    def _either(self, build: Build, context: bytes, tell: Tell) -> Built:
        try:
            return self._build(build, context, tell, _BUILDKIT)
        except BuildFailed as failed:
            if _CONTAINERD in failed.message:
                raise BuildFailed(
                    f"image {build.image} is not built: this engine keeps images in containerd, and until version 28 "
                    "its API cannot build there",
                    hint="builder: {kind: buildkit}, or an engine of version 28 or newer",
                ) from failed
            if _NEEDS_SESSION not in failed.message:
                raise
        return self._build(build, context, tell, _CLASSIC)

    def push(self, image_id: str, repository: str, tag: str, tell: Tell) -> str:
        """The digest that the registry has it under. Raises BuildFailed, EngineUnreachable."""
        return push(self._client, image_id, repository, tag, tell)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _build(self, build: Build, context: bytes, tell: Tell, version: str) -> Built:
        began = time.monotonic()
        params = {
            "version": version,
            "dockerfile": build.named,
            "buildargs": json.dumps(dict(build.args)),
            "labels": json.dumps(dict(build.labels)),
            "target": build.target,
            "networkmode": build.network,
            "platform": next(iter(build.platforms), None),
            "nocache": None if build.cache else "1",
            "rm": "1",
            "forcerm": "1",
        }
        headers = {"Content-Type": "application/x-tar"}
        if version == _CLASSIC:
            headers |= self._client.all_logins(bases(file_of(context, build.named), build.args))
        progress = Progress(build=build, context=context)
        try:
            lines = self._client.lines(
                "POST", "/build", params=params, headers=headers, body=context, timeout=build.timeout + _SILENCE
            )
            with closing(lines):
                for event in events(lines):
                    _take(progress, event)
                    tell(progress.text)
                    if time.monotonic() - began > build.timeout:
                        raise progress.late()
        except Refused as refused:
            raise BuildFailed(f"image {build.image} is not built: {refused.message}") from refused
        return progress.built(time.monotonic() - began)


def _take(progress: Progress, event: JsonMap) -> None:
    """One line of the answer. Raises BuildFailed where it is an error."""
    if "error" in event or "errorDetail" in event:
        raise progress.failed(str((event.get("errorDetail") or {}).get("message") or event.get("error")))
    aux = event.get("aux")
    if event.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
        progress.seen(*read(base64.b64decode(aux)))
    elif isinstance(aux, dict) and "ID" in aux:
        progress.image_id = aux["ID"]
    elif isinstance(event.get("stream"), str):
        progress.classic(event["stream"])
