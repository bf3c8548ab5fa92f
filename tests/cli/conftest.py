"""A small project on disk and the command run on it within this process; every document is held against its schema."""

import io
import json
import re
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from releaser.cli import output, reference
from releaser.cli.main import main

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests/golden/cli"

PIPELINE = """\
project: shop
images:
  api: {repository: registry.test/shop/api, source: "oci:images/api"}
  worker: {repository: registry.test/shop/worker, source: "oci:images/worker"}
environments:
  test: {layers: [base]}
  staging: {layers: [base], from: test}
  production: {layers: [base], from: staging, soak: 1h, confirm: name}
"""
BASE = """\
vars: {domain: "${environment}.shop.test"}
services:
  api:
    image: api
    environment:
      BASE_URL: "https://${domain}"
      CACHE_TTL: 60
      PASSWORD_FILE: /run/secrets/password
    secrets:
      password: {target: /run/secrets/password}
    deploy: {replicas: 1}
  worker:
    image: worker
    environment: {CONCURRENCY: 4}
secrets:
  password: {from: env, name: SHOP_PASSWORD}
"""
OWN = {
    "test": "services: {api: {environment: {CACHE_TTL: 5}}}\n",
    "staging": "vars: {note: nothing of its own}\n",
    "production": "services:\n  api:\n    environment: {CACHE_TTL: 600}\n    deploy: {replicas: 3}\n",
}
SECRET = "hunter-two-canary"


class Stream(io.TextIOWrapper):
    """A text stream that remembers, and may pass for a terminal."""

    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        self.flush()
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode(self.encoding)


@dataclass
class MovableClock:
    """A clock that moves when it is told, and a little at each look."""

    time: datetime = datetime(2026, 11, 24, 14, 2, 11, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def move(self, **span: float) -> None:
        self.time += timedelta(**span)


@cache
def validator(name: str) -> Draft202012Validator:
    """The shipped schema of a document, made strict: here an unknown key is a mistake."""
    schema = json.loads((REPOSITORY / "schemas" / f"{name}.schema.json").read_text())
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["additionalProperties"] = False
    return Draft202012Validator(schema)


def checked(document: Any) -> Any:
    """A printed document, after it was held against the schema that it names."""
    found = re.fullmatch(r"releaser/([a-z]+)/v1", document["schema"])
    assert found, document["schema"]
    assert found[1] in reference.DOCUMENTS
    errors = [f"{error.json_path}: {error.message}" for error in validator(found[1]).iter_errors(document)]
    assert not errors, errors
    return document


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout, valid under its shipped schema."""
        return checked(json.loads(self.out))

    @property
    def documents(self) -> list[Any]:
        """The documents on stdout, one a line."""
        return [checked(json.loads(line)) for line in self.out.splitlines()]


@dataclass
class Cli:
    """The command in a project's folder."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    clock: MovableClock = field(default_factory=MovableClock)

    def __call__(
        self,
        *words: str,
        terminal: bool = False,
        columns: int = 80,
        typed: str | None = None,
        encoding: str = "utf-8",
        environ: Mapping[str, str] = {},
    ) -> Ran:
        """Run `release WORDS`; `terminal`: stdout and stderr are one; `typed`: stdin is one, and somebody types."""
        with self.monkeypatch.context() as patch:
            patch.setenv("COLUMNS", str(columns))
            for name, value in environ.items():
                patch.setenv(name, value)
            out, err = (Stream(terminal=terminal, encoding=encoding) for _ in range(2))
            answers = Stream(terminal=typed is not None)
            answers.write(typed or "")
            answers.seek(0)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", answers)
            patch.setattr(output, "LOST", [])
            before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
            try:
                code = main(words)
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
            return Ran(code, out.text, err.text)

    def ok(self, *words: str, **how: Any) -> Ran:
        """Run it; it must end with 0."""
        ran = self(*words, **how)
        assert ran.code == 0, ran
        return ran

    def json(self, *words: str, code: int = 0, **how: Any) -> Any:
        """The document that a verb prints with --json, valid under its shipped schema."""
        ran = self(*words, "--json", **how)
        assert ran.code == code, ran
        return ran.document

    def promote(self, version: str, *environments: str, **how: Any) -> None:
        """Deliver a release to one environment after another."""
        for name in environments:
            self.ok("promote", version, "--to", name, "--yes", "--by", "ann", **how)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file of the project, which must have it."""
        text = (self.root / name).read_text()
        assert old in text, text
        (self.root / name).write_text(text.replace(old, new))

    def delivered(self, environment: str) -> bytes:
        """What was delivered to an environment."""
        return (self.root / f"deploy/{environment}/compose.yaml").read_bytes()

    def refuse_all_but(self, version: str) -> None:
        """From here on `verify` refuses every other release."""
        self.write("check.sh", f'test "$RELEASE_VERSION" = {version} || {{ echo "no database"; exit 3; }}\n')
        self.verify("verify: {command: [sh, check.sh]}")

    def verify(self, declared: str) -> None:
        """Declare a `verify` for every environment."""
        self.edit("envs/base.yaml", "secrets:\n  password: {from", f"{declared}\nsecrets:\n  password: {{from")

    def drift(self, environment: str) -> None:
        """Edit by hand what was delivered to an environment."""
        file = self.root / f"deploy/{environment}/compose.yaml"
        text = re.sub(r"CACHE_TTL: .*", 'CACHE_TTL: "1"', file.read_text())
        assert text != file.read_text()
        file.write_text(text)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command in an empty folder."""
    root = tmp_path / "shop"
    root.mkdir()
    monkeypatch.chdir(root)
    home = tmp_path / "home"
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home if name == "HOME" else home / name.lower()))
    for name in (
        "CI",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "GITHUB_ACTIONS",
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("HISTORY", "BY", "OUTPUT", "COLOR", "FINGERPRINT_KEY", "YES"):
        monkeypatch.delenv(f"RELEASE_{name}", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    made = Cli(root, monkeypatch)
    monkeypatch.setattr("releaser.wiring.SystemClock", lambda: made.clock)
    return made


@pytest.fixture
def cli(bare: Cli) -> Cli:
    """The command in a project of three environments, v1.3 to v1.5 at hand and nothing delivered."""
    bare.write("envs/pipeline.yaml", PIPELINE)
    bare.write("envs/base.yaml", BASE)
    for name, text in OWN.items():
        bare.write(f"envs/{name}.yaml", text)
    for image in ("api", "worker"):
        shutil.copytree(REPOSITORY / "envs/images" / image, bare.root / "images" / image)
    return bare


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(NAME, TEXT)`: the text is that of tests/golden/cli/NAME; --update-golden writes it anew."""

    def same(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert text == file.read_text()

    return same


@pytest.fixture
def steady(golden: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """`golden` for texts that hold a plan's id, a time of day or a short span, which are not the same each time."""

    def same(name: str, text: str) -> None:
        text = re.sub(r"(?<=Plan )(`?)[0-9a-f]{6}", r"\g<1>123abc", text)
        text = re.sub(r"(?m)^\d\d:\d\d:\d\dZ", "14:02:11Z", text)
        golden(name, re.sub(r"\b0\.\ds", "0.1s", text))

    return same


@pytest.fixture
def cut_off(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`cut_off(VERSION, ENVIRONMENT, EFFECT=False)`: a promote that died, before or after its one effect."""

    def promote(version: str, environment: str, *, effect: bool = False) -> None:
        with monkeypatch.context() as patch:
            if effect:
                patch.setattr("releaser.history.sqlite.SqliteHistory.finish", _die)
            else:
                patch.setattr("releaser.engines.directory.engine.DirectoryEngine.apply", _die)
            assert cli("promote", version, "--to", environment, "--yes", "--by", "ann").code == 130

    return promote


def _die(*_: object) -> None:
    raise KeyboardInterrupt
