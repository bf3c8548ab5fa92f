"""What is in an image: its configuration, its layers with their files, and what two images differ in."""

from collections.abc import Mapping

from releaser.model.image import Digest
from releaser.model.value import Document, JsonMap, Value

FILE, FOLDER, LINK, HARD_LINK, WHITEOUT, OPAQUE, OTHER = (
    "file",
    "folder",
    "link",
    "hard link",
    "whiteout",
    "opaque",
    "other",
)


class Entry(Value, frozen=True, kw_only=True):
    """One entry of a layer's tar; a whiteout has the path of what it removes, an opaque one that of its folder."""

    path: str  # without a leading slash
    kind: str  # file | folder | link | hard link | whiteout | opaque | other
    mode: int
    uid: int
    gid: int
    size: int = 0
    content: str | None = None  # sha256 of a file's bytes, where they were read; where a link leads


class LayerContent(Value, frozen=True, kw_only=True):
    """A layer as it was read."""

    digest: str  # as its image names it; of a saved image its name in the archive
    size: int  # bytes as it is stored
    entries: tuple[Entry, ...]


class ImageContent(Value, frozen=True, kw_only=True):
    """An image as it was read; `config` is the OCI image configuration as it is."""

    reference: str  # where it was read from, in words that lead there again
    digest: Digest | None  # of its manifest; None where it was saved by an engine, which has none
    platforms: tuple[str, ...]  # what the reference has
    config: JsonMap
    layers: tuple[LayerContent, ...]
    texts: Mapping[str, bytes] = {}  # files by path, those that say what packages there are


class ImageSummary(Value, frozen=True, kw_only=True):
    """What is kept of an image that was read once, so that two of them can be compared at a glance."""

    platform: str
    packages: Mapping[str, str]  # system/name → versions
    bytes: int  # of all files that are there


# --- image inspect ---


class FileSize(Value, frozen=True, kw_only=True):
    """A file and its bytes."""

    path: str
    size: int


class LayerReport(Value, frozen=True, kw_only=True):
    """One layer: what made it, and what it does to those below."""

    digest: str
    size: int  # bytes as stored
    files_size: int  # bytes of its files
    instruction: str
    added: int
    changed: int
    removed: int
    wasted: int  # bytes of it that a later layer overwrote or removed
    largest: tuple[FileSize, ...]


class ContainerFile(Value, frozen=True, kw_only=True):
    """A path that a container has other than its image."""

    path: str
    what: str  # added | changed | removed


class ContainerLayer(Value, frozen=True, kw_only=True):
    """A container's own layer, which is written on top of those of its image, and goes with the container."""

    id: str
    name: str
    image: str  # its image's id
    running: bool
    size: int  # bytes of it
    files: tuple[ContainerFile, ...]


class ImageReport(Document, frozen=True, kw_only=True, tag="releaser/image/v1"):
    """An image from the inside; `efficiency` is the part of all bytes that is still there at the end."""

    reference: str
    digest: Digest | None
    platform: str
    platforms: tuple[str, ...]
    created: str | None
    user: str
    working_dir: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    environment: tuple[str, ...]
    labels: Mapping[str, str]
    size: int  # bytes of all files of all layers
    wasted: int
    efficiency: float  # 0 to 1
    waste: tuple[FileSize, ...]  # the paths that waste most
    layers: tuple[LayerReport, ...]
    container: ContainerLayer | None  # where a container was asked for


# --- image diff ---


class ConfigChange(Value, frozen=True, kw_only=True):
    """A word of the configuration, a variable or a label that differs."""

    field: str  # user, environment.PATH, labels.team
    old: str | None
    new: str | None


class FileChange(Value, frozen=True, kw_only=True):
    """A file that differs: None for the size where it is not there."""

    path: str
    old: int | None
    new: int | None
    what: str  # added | removed | content | mode | owner | kind


class PackageChange(Value, frozen=True, kw_only=True):
    """A package that differs, by its versions."""

    system: str  # dpkg | apk | python | npm
    name: str
    old: str | None
    new: str | None


class FolderChange(Value, frozen=True, kw_only=True):
    """How much larger a folder has become."""

    path: str
    bytes: int


class ImageDifference(Document, frozen=True, kw_only=True, tag="releaser/imagediff/v1"):
    """What two images differ in."""

    left: str
    right: str
    shared_layers: int
    layers: tuple[int, int]
    config: tuple[ConfigChange, ...]
    packages: tuple[PackageChange, ...]
    files: tuple[FileChange, ...]
    folders: tuple[FolderChange, ...]  # the largest first
    bytes: int  # how much larger the right one is
