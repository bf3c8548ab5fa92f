"""Write the sample application's images as OCI layouts: the same bytes on every machine, a few kilobytes each.

    python envs/images/make.py [FOLDER]

Each image is a folder with tags, each tag an index of linux/amd64 and linux/arm64. Layers are plain tar, since what
a compressor writes depends on its version. The containers do nothing: they are there to be delivered.
"""  # noqa: INP001 - a script beside what it writes, not a package

import hashlib
import json
import shutil
import sys
import tarfile
from pathlib import Path

PLATFORMS = ("amd64", "arm64")

# The commit that each release's images were built from.
COMMITS = {
    "v1.3": "3b1f0c6a9d5e4f7281b0c3d4e5f60718293a4b5c",
    "v1.4": "7d2e9a41c8b6350f9e1d2c3b4a5968778695a4b3",
    "v1.5": "c4a8f3e25d7b6190a2b3c4d5e6f708192a3b4c5d",
}

# Image → tag → the version that was built. The worker did not change between v1.3 and v1.4.
BUILDS = {
    "api": {"v1.3": "v1.3", "v1.4": "v1.4", "v1.5": "v1.5"},
    "worker": {"v1.3": "v1.3", "v1.4": "v1.3", "v1.5": "v1.5"},
    "web": {"v1.3": "v1.3", "v1.4": "v1.4", "v1.5": "v1.5"},
    "cache": {"7.4": "7.4"},  # somebody else's image: releases pin its digest
}

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
CREATED = "2024-01-01T00:00:00Z"


class Layout:
    """One image's folder, written blob by blob."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if folder.exists():
            shutil.rmtree(folder)
        (folder / "blobs" / "sha256").mkdir(parents=True)

    def add(self, media_type: str, data: bytes) -> dict[str, object]:
        """Write a blob and describe it."""
        digest = hashlib.sha256(data).hexdigest()
        (self._folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def finish(self, tags: dict[str, dict[str, object]]) -> None:
        """Write what makes the folder a layout."""
        entries = [
            {**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}}
            for tag, descriptor in tags.items()
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        (self._folder / "index.json").write_bytes(encode(index))
        (self._folder / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))


def encode(document: object) -> bytes:
    """JSON with one form for one meaning."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def archive(name: str, content: bytes) -> bytes:
    """A tar of one executable file, without times, owners or padding to ten kilobytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o755
    blocks = content + b"\0" * (-len(content) % tarfile.BLOCKSIZE)
    return entry.tobuf(tarfile.USTAR_FORMAT) + blocks + b"\0" * (2 * tarfile.BLOCKSIZE)


def labels(name: str, version: str) -> dict[str, str]:
    """What the image says about itself."""
    known = {"org.opencontainers.image.title": name, "org.opencontainers.image.version": version}
    return known | ({"org.opencontainers.image.revision": COMMITS[version]} if version in COMMITS else {})


def build(layout: Layout, name: str, version: str) -> dict[str, object]:
    """Write an image for every platform; the descriptor of its index."""
    children = []
    for architecture in PLATFORMS:
        program = f"shop/{name} {version} for linux/{architecture}\n".encode()
        layer = archive(f"bin/{name}", program)
        config = {
            "architecture": architecture,
            "config": {"Entrypoint": [f"/bin/{name}"], "Labels": labels(name, version)},
            "created": CREATED,
            "os": "linux",
            "rootfs": {"diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()], "type": "layers"},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": layout.add(CONFIG, encode(config)),
            "layers": [layout.add(LAYER, layer)],
        }
        platform = {"architecture": architecture, "os": "linux"}
        children.append({**layout.add(MANIFEST, encode(manifest)), "platform": platform})
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": children, "annotations": labels(name, version)}
    return layout.add(INDEX, encode(index))


def main(folder: Path) -> None:
    """Write every image below `folder` and print the digests."""
    for name, tags in BUILDS.items():
        layout = Layout(folder / name)
        built = {version: build(layout, name, version) for version in sorted(set(tags.values()))}
        layout.finish({tag: built[version] for tag, version in tags.items()})
        for tag, version in tags.items():
            sys.stdout.write(f"{name} {tag} {built[version]['digest']}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
