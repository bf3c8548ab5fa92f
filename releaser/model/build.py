"""Building an image: what is declared, and what came out."""

from collections.abc import Mapping

from releaser.model.image import Digest, ImageSource
from releaser.model.image_content import ConfigChange, FileChange
from releaser.model.release import Release
from releaser.model.value import Document, JsonMap, Location, Value


class Package(Value, frozen=True, kw_only=True):
    """A code package: an archive in the project or elsewhere, as its sha256 says, or the files of a git revision."""

    file: str | None = None  # relative to the root
    url: str | None = None  # https
    git: str | None = None  # a revision
    commit: str | None = None  # what the revision named when the build began
    repository: str | None = None  # git: another one than the project's
    path: str | None = None  # git: the files below this folder alone
    sha256: str | None = None  # of the archive; git: of what `git archive` writes, where it is declared
    strip: int = 0  # leading folders of its names that are left out

    @property
    def place(self) -> str:
        """Where it is; of git as git and Docker write it."""
        if self.git is None:
            return self.file or (without_query(self.url) if self.url else "")
        revision = f"{self.git}:{self.path}" if self.path else self.git
        return f"{self.repository}#{revision}" if self.repository else f"git {revision}"

    @property
    def leading(self) -> int:
        """How many folders of its names are left out: those of `path` too."""
        return self.strip + (len([part for part in self.path.split("/") if part not in {"", "."}]) if self.path else 0)


def without_query(url: str) -> str:
    """A URL as it is told and kept: what follows `?` may be a signature that lets in whoever has it."""
    return url.partition("#")[0].partition("?")[0]


class Recipe(Value, frozen=True, kw_only=True):
    """What a Dockerfile is made of, where nobody wrote one: a package on a base."""

    base: str
    user: str | None = None
    command: tuple[str, ...] = ()
    working_dir: str = "/app"


class Build(Value, frozen=True, kw_only=True):
    """A `builds` entry of the pipeline: how one image is made, of a context or of a package."""

    image: str  # the `images` entry that it is
    context: str | None = None  # a folder, relative to the root
    package: Package | None = None
    recipe: Recipe | None = None  # with a package: what the Dockerfile is made of, unless there is one
    dockerfile: str = "Dockerfile"  # relative to the context; with a package, to the root
    args: Mapping[str, str] = {}
    target: str | None = None
    network: str | None = None  # none | default: of its RUN steps
    secrets: Mapping[str, JsonMap] = {}  # id → where its value comes from
    ssh: tuple[str, ...] = ()  # agents, as in `default`
    labels: Mapping[str, str] = {}
    platforms: tuple[str, ...] = ()  # none: the builder's own
    provenance: str | None = None  # true | mode=min | mode=max, as buildx takes it
    sbom: str | None = None  # true | generator=IMAGE
    cache: bool = True  # False: every step is done anew
    timeout: float = 1200.0  # seconds
    revision: str | None = None  # the commit that its files are of, where that is known
    location: Location | None = None

    @property
    def attestations(self) -> tuple[str, ...]:
        """What is attested beside the image."""
        return tuple(word for word in ("provenance", "sbom") if getattr(self, word) is not None)

    @property
    def named(self) -> str:
        """The Dockerfile's name in what is sent."""
        return self.dockerfile if self.package is None else "Dockerfile"

    @property
    def place(self) -> str:
        """Where a person finds the Dockerfile."""
        if self.package is None:
            return f"{self.context}/{self.dockerfile}"
        return self.dockerfile if self.recipe is None else f"`base`, `user` and `command` of {self.image}"


class BuilderSettings(Value, frozen=True, kw_only=True):
    """The `builder` section: which builder, and where it is."""

    kind: str = "engine"  # engine | buildkit | dood | dind
    host: str | None = None  # None: the engine that the docker command would speak to
    builder: str | None = None  # buildkit: the buildx builder
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    image: str | None = None  # dood, dind: the build container's, by digest
    socket: str | None = None  # dood: on the engine's host
    capabilities: tuple[str, ...] = ()  # dind: instead of privileged
    args: tuple[str, ...] = ()  # dind: of the daemon
    cache_volume: str | None = None  # dind: kept from one build to the next
    memory: str | None = None  # dind: of all its builds together, as in 2g
    cpus: float | None = None
    ready_timeout: float = 60.0  # seconds


BUILDER_WORDS: Mapping[str, frozenset[str]] = {
    "engine": frozenset({"host"}),
    "buildkit": frozenset({"host", "builder", "cache_from", "cache_to"}),
    "dood": frozenset({"host", "image", "socket"}),
    "dind": frozenset({"host", "image", "capabilities", "args", "cache_volume", "memory", "cpus", "ready_timeout"}),
}
"""Builder kind → the words of `builder` that it understands, beside `kind`."""


class Built(Value, frozen=True, kw_only=True):
    """What a builder made of a context."""

    image_id: Digest
    steps: int
    cached: int  # steps that were found in the cache
    missed: str | None  # the first step that was not; what comes after it could not be
    seconds: float
    context_digest: Digest  # of the context's bytes: the same files give the same
    dockerfile_digest: Digest
    bases: Mapping[str, Digest | None]  # the images that it begins with, as the Dockerfile names them
    log: str  # its steps with what they printed


class BuiltImage(Value, frozen=True, kw_only=True):
    """One image of a build, as it is told; the digest is the registry's, where it was pushed."""

    name: str
    repository: str
    image_id: Digest
    digest: Digest | None
    steps: int
    cached: int
    missed: str | None
    seconds: float
    source: ImageSource


class Reproducibility(Value, frozen=True, kw_only=True):
    """What two builds of one image without a cache have other than each other."""

    image: str
    platform: str
    same: bool  # every file's path, kind, mode, owner and content, and the configuration
    files: tuple[FileChange, ...]  # that differ
    config: tuple[ConfigChange, ...]
    same_layers: int  # layers of which even the digest is the same: times are in it too
    layers: int
    seconds: tuple[float, float]


class ReproducibilityReport(Document, frozen=True, kw_only=True, tag="releaser/reproducibility/v1"):
    """What `release build --check-reproducible` found."""

    version: str
    images: tuple[Reproducibility, ...]


class BuildLog(Document, frozen=True, kw_only=True, tag="releaser/log/v1"):
    """What an image's build printed, as it is kept with its release."""

    release: str
    image: str
    log: str


class BuildReport(Document, frozen=True, kw_only=True, tag="releaser/build/v1"):
    """What `release build` made; `release` is null where nothing was pushed, and so nothing registered."""

    version: str
    images: tuple[BuiltImage, ...]
    release: Release | None
