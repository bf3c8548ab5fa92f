"""Images as `docker save` and OCI archives have them: one pass over a tar, whose parts come in any order.

Source: https://github.com/moby/moby/blob/master/image/spec/v1.2.md (manifest.json), and the OCI image layout.
"""

import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, cast

import msgspec

from releaser.contents.forward import Forward
from releaser.contents.layer import Layer
from releaser.model.errors import PlatformMissing, RegistryUnreachable
from releaser.model.image_content import ImageContent, LayerContent
from releaser.model.value import JsonMap
from releaser.planning.wording import listed
from releaser.registry.manifests import ATTESTATION

_MAX_DOCUMENT = 8 << 20
_DEEPEST = 4  # indexes within indexes: docker save writes two
_HINT = "name what docker save or an OCI archive wrote"


def read(stream: IO[bytes] | Forward, reference: str, platform: str | None = None, *, files: bool) -> ImageContent:
    """The image of an archive for a platform; without one its first.

    Raises RegistryUnreachable where it is none, PlatformMissing.
    """
    documents: dict[str, Any] = {}
    layers: dict[str, tuple[int, Layer]] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
            for info in tar:
                tar.members.clear()  # type: ignore[attr-defined] # else it keeps all of them
                name = posixpath.normpath(info.name)
                if info.issym() or info.islnk():
                    links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))
                elif info.isreg() and info.size:
                    _take(tar, info, name, documents, layers, files=files)
    except (tarfile.TarError, OSError) as error:
        raise RegistryUnreachable(f"{reference} cannot be read: {error}", hint=_HINT) from error
    config, names, known = _image(documents, reference, platform)
    found = [layers.get(links.get(name, name)) for name in names]
    if any(one is None for one in found):
        raise RegistryUnreachable(f"{reference} lists layers that it does not have", hint=_HINT)
    made = [one for one in found if one is not None]
    return ImageContent(
        reference=reference,
        digest=None,
        platforms=tuple(sorted(known)),
        config=config,
        layers=layers_of(config, made),
        texts=texts_of(made),
    )


def layers_of(config: JsonMap, layers: list[tuple[int, Layer]]) -> tuple[LayerContent, ...]:
    """The layers under the digests of their uncompressed bytes, which are the same wherever an image is."""
    rootfs: Any = config.get("rootfs") or {}
    names = rootfs.get("diff_ids") or ()
    return tuple(
        LayerContent(digest=name, size=size, entries=tuple(layer.entries))
        for name, (size, layer) in zip(names, layers, strict=False)
    )


def texts_of(layers: list[tuple[int, Layer]]) -> Mapping[str, bytes]:
    """What tells of packages, as the last layer that has it does."""
    return {path: text for _, layer in layers for path, text in layer.texts.items()}


def _take(  # noqa: PLR0913 - where everything of one pass is kept
    tar: tarfile.TarFile,
    info: tarfile.TarInfo,
    name: str,
    documents: dict[str, Any],
    layers: dict[str, tuple[int, Layer]],
    *,
    files: bool,
) -> None:
    """A part: a document, or a layer; what is neither, a signature or an attestation, is passed over."""
    file = tar.extractfile(info)
    if file is None:
        return
    first = file.read(1)
    if first in {b"{", b"["} and info.size <= _MAX_DOCUMENT:
        try:
            documents[name] = msgspec.json.decode(first + file.read())
        except msgspec.DecodeError:
            return
    elif name.startswith("blobs/") or name.endswith("/layer.tar"):
        layer = Layer(files=files)
        file.seek(0)
        layer.read(file, name)
        layers[name] = (info.size, layer)


def _image(
    documents: Mapping[str, Any], reference: str, platform: str | None
) -> tuple[JsonMap, list[str], tuple[str, ...]]:
    """An archive's configuration, the names of its layers, and every platform that it has."""
    try:
        manifest = documents.get("manifest.json")
        several = list(_manifests(documents, documents["index.json"])) if "index.json" in documents else []
        known = {_platform(documents[_blob(one["config"])]): one for one in reversed(several)}
        if platform is None and manifest:
            config = documents[posixpath.normpath(manifest[0]["Config"])]
            names = [posixpath.normpath(name) for name in manifest[0]["Layers"]]
            return config, names, tuple(known) or (_platform(config),)
        if platform is not None and platform not in known:
            hint = f"it has {listed(sorted(known)) or 'one alone'}"
            raise PlatformMissing(f"{reference} has no image for {platform}", hint=hint)
        chosen = several[0] if platform is None else known[platform]
        return documents[_blob(chosen["config"])], [_blob(one) for one in chosen["layers"]], tuple(known)
    except (KeyError, IndexError, TypeError) as error:
        raise RegistryUnreachable(f"{reference} has no image in it", hint=_HINT) from error


def _manifests(documents: Mapping[str, Any], index: JsonMap, depth: int = 0) -> Iterator[JsonMap]:
    """The images of an index that are there, and of those within it; attestations are none."""
    if depth > _DEEPEST:
        raise KeyError("an index within itself")
    several: Any = index["manifests"]
    for descriptor in several:
        body = documents.get(_blob(descriptor))
        if body is None or ATTESTATION in (descriptor.get("annotations") or {}):
            continue
        if "manifests" in body:
            yield from _manifests(documents, body, depth + 1)
        elif _blob(body["config"]) in documents:
            yield body


def _platform(config: JsonMap) -> str:
    return "/".join(str(config[word]) for word in ("os", "architecture", "variant") if config.get(word))


def _blob(descriptor: Mapping[str, str]) -> str:
    return "blobs/" + descriptor["digest"].replace(":", "/", 1)
