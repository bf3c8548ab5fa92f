"""Small Compose projects of our own, each with what real ones of its kind do."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "projects"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A project, and how it is imported."""

    name: str
    file: str
    words: tuple[str, ...] = ()  # more options
    overrides: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    def copy(self, to: Path) -> Path:
        """The project's files in a folder of their own; gives it."""
        shutil.copytree(FOLDER / self.name, to, dirs_exist_ok=True)
        return to

    @property
    def variables(self) -> set[str]:
        """The names of variables that its files use."""
        texts = (file.read_text() for file in (FOLDER / self.name).rglob("*") if file.is_file())
        return {name for text in texts for name in re.findall(r"\$\{?([A-Za-z_]\w*)", text)} - set(self.environ)

    @property
    def options(self) -> list[str]:
        """What `release init` is told."""
        more = [word for file in self.overrides for word in ("-f", file)]
        return ["--from", self.file, *more, *(w for name in self.profiles for w in ("--profile", name)), *self.words]


SAMPLES = (
    Sample(name="shop", file="compose.yaml"),
    Sample(name="photos", file="compose.yaml"),
    Sample(name="social", file="docker-compose.yml"),
    Sample(name="errors", file="docker-compose.yml"),
    Sample(name="stats", file="compose.yaml", overrides=("production.yaml",), environ={"SECRET_KEY_BASE": "x-canary"}),
    Sample(name="flows", file="compose.yaml", environ={"ENCRYPTION_KEY": "y-canary"}),
    Sample(name="papers", file="docker-compose.yml", environ={"MAIL_PASSWORD": "z-canary"}),
    Sample(name="cloud", file="compose.yml"),
    Sample(name="desk", file="compose.yaml", words=("--env", "test1,staging,production")),
)
NAMES = [sample.name for sample in SAMPLES]
