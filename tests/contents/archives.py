"""Layers and saved images, made in memory."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

Files = Mapping[str, bytes | str | None]
"""Path → content; None is a folder, a text is where a hard link leads."""


def layer(files: Files, *, mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.mode = mode
            content = data if isinstance(data, bytes) else b""
            if data is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(data, str):
                info.type, info.linkname = tarfile.LNKTYPE, data
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def config(layers: Sequence[bytes], **words: Any) -> dict[str, Any]:
    return {
        "os": "linux",
        "architecture": "amd64",
        "config": words,
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        "history": [{"created_by": f"RUN /bin/sh -c step {at} # buildkit"} for at in range(len(layers))],
    }


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def saved(*layers: bytes, packed: bool = False, **words: Any) -> bytes:
    """What docker save writes: the manifest comes last."""
    names = [f"blobs/sha256/{digest(one)[7:]}" for one in layers]
    parts = {name: gzip.compress(one) if packed else one for name, one in zip(names, layers, strict=True)}
    manifest = [{"Config": "blobs/sha256/config", "Layers": names}]
    documents = {"blobs/sha256/config": config(layers, **words), "manifest.json": manifest}
    return layer(parts | {name: json.dumps(body).encode() for name, body in documents.items()})


def with_config(body: object, *layers: bytes) -> bytes:
    """What docker save writes, with this configuration."""
    names = [f"blobs/sha256/{digest(one)[7:]}" for one in layers]
    manifest = [{"Config": "config.json", "Layers": names}]
    documents = {"config.json": body, "manifest.json": manifest}
    parts = dict(zip(names, layers, strict=True))
    return layer(parts | {name: json.dumps(body).encode() for name, body in documents.items()})
