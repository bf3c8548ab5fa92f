"""Images made of a few bytes: documents by digest, as any registry or layout stores them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REVISION = "org.opencontainers.image.revision"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Content:
    """Blobs and documents by digest; `top` is the digest of what a tag shall name."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # digest → media type, bytes
    platforms: dict[str, str] = field(default_factory=dict)
    top: str = ""

    def blob(self, media_type: str, data: bytes) -> dict[str, object]:
        self.blobs[digest_of(data)] = data
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}

    def document(self, media_type: str, body: Mapping[str, object]) -> dict[str, object]:
        data = json.dumps({"schemaVersion": 2, "mediaType": media_type, **body}).encode()
        self.top = digest_of(data)
        self.documents[self.top] = (media_type, data)
        return {"mediaType": media_type, "digest": self.top, "size": len(data)}

    def image(
        self,
        platform: str,
        text: str = "",
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        media_type: str = MANIFEST,
        config_type: str = CONFIG,
    ) -> dict[str, object]:
        os, architecture, *variant = platform.split("/")
        config = {"os": os, "architecture": architecture, "config": {"Labels": labels}, "text": text}
        if variant:
            config["variant"] = variant[0]
        body = {
            "config": self.blob(config_type, json.dumps(config).encode()),
            "layers": [self.blob(LAYER, f"layer {platform} {text}".encode())],
        }
        if annotations:
            body["annotations"] = annotations
        return self.document(media_type, body)

    def index(
        self,
        children: list[dict[str, object]],
        *,
        annotations: Mapping[str, str] | None = None,
        media_type: str = INDEX,
    ) -> dict[str, object]:
        body: dict[str, object] = {"manifests": children}
        if annotations:
            body["annotations"] = annotations
        return self.document(media_type, body)


def on(platform: str, descriptor: dict[str, object]) -> dict[str, object]:
    """A child of an index, with its platform."""
    os, architecture, *variant = platform.split("/")
    said = {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
    return {**descriptor, "platform": said}


def multi(
    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64"), text: str = "", revision: str | None = None
) -> Content:
    """An index of an image for each platform."""
    content = Content()
    labels = {REVISION: revision} if revision else None
    children = [on(platform, content.image(platform, text, labels=labels)) for platform in platforms]
    content.index(children)
    content.platforms = {platform: str(child["digest"]) for platform, child in zip(platforms, children, strict=True)}
    return content
