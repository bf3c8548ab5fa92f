"""Canaries in every place that may hold a secret, searched for in everything that a command says or leaves behind."""

import base64
import json
import os
import sqlite3
import urllib.parse
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from releaser.history import sqlite_file
from releaser.model.errors import Interrupted
from tests.canary import Find, files, find
from tests.cli.conftest import Ran
from tests.end_to_end.shop import Shop

VALUES = {
    "env_var": 'c4nary of the "variable" <&> $HOME',
    "a_file": "c4nary first line\nc4nary second line\n",
    "a_command": "c4nary/command+é=",
    "compose_file": "c4nary-compose-reads-this-file",
}
OTHER = "c4nary-that-replaces-another"
PLANTED = "pl4nted-and-to-be-found"
PLANTED_DEEP = "pl4nted-where-it-is-compressed"

OWN = """
services:
  api:
    environment: {{A: {{secret: env_var}}, B: {{secret: a_file}}, C: {{secret: a_command}}}}
    secrets:
      env_var: {{target: /a}}
      a_file: {{target: /b}}
      a_command: {{target: /c}}
      compose_file: {{target: /d}}
  worker:
    environment: {{PASSWORD: {{secret: env_var}}, DEEP: {deep}}}
secrets:
  env_var: {{from: env, name: CANARY_ENV}}
  a_file: {{from: file, path: "{vault}/file"}}
  a_command: {{from: exec, command: [sh, "{vault}/read.sh"], timeout: 20s}}
  compose_file: {{from: file, path: "{vault}/compose"}}
verify: {{command: [sh, "{vault}/verify.sh"], timeout: 20s}}
"""
# What a child is told, and what it can see of itself and of us.
SEEN = 'for one in $$ $PPID; do cat /proc/$one/cmdline; done >"$0.$$.seen"; cat /proc/self/environ >"$0.$$.environ"\n'


class Vault:
    """A shop with secrets from a vault beside it, and everything that its commands said."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.said: dict[str, bytes] = {}
        self.folder = shop.root.parent / "vault"
        self.folder.mkdir()
        self.put("file", VALUES["a_file"])
        self.put("compose", VALUES["compose_file"])
        self.put("command", VALUES["a_command"])
        self.put("read.sh", SEEN + f'cat "{self.folder}/command"\n')
        self.put("words", "")
        self.put("code", "0")
        self.put("verify.sh", SEEN + f'cat "{self.folder}/words"; exit $(cat "{self.folder}/code")\n')
        shop.monkeypatch.setenv("CANARY_ENV", VALUES["env_var"])
        own = (shop.root / "envs/test3.yaml").read_text()
        shop.write("envs/layer.yaml", own)
        shop.write("envs/test3.yaml", OWN.format(vault=self.folder, deep=PLANTED_DEEP))
        shop.edit("envs/pipeline.yaml", "test3: {layers: [base, test]}", "test3: {layers: [base, test, layer]}")
        shop.edit("envs/test.yaml", "verify: null\n", "")

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def refuses(self, words: str) -> None:
        """From now on `verify` says this and refuses."""
        self.put("words", words)
        self.put("code", "1")

    def run(self, *words: str, **how: Any) -> Ran:
        """Run a command, and keep what it said."""
        ran = self.shop(*words, **how)
        number = len(self.said)
        self.said[f"{number} {' '.join(words)}"] = (ran.out + "\0" + ran.err).encode()
        for journal in (self.shop.root / ".release").glob("*-journal"):
            self.said[f"{number} {journal.name}"] = journal.read_bytes()
        return ran

    def blobs(self) -> dict[str, bytes]:
        """Everything that was said or left behind, whatever it is wrapped in."""
        left = files(self.shop.root, self.shop.root.parent / "home")
        children = {
            str(path): path.read_bytes() for path in self.folder.iterdir() if path.suffix in {".seen", ".environ"}
        }
        return {**self.said, **left, **children, **rows(self.shop.root / ".release/history.db")}

    def search(self) -> list[Find]:
        """Every secret that is found anywhere."""
        blobs = self.blobs()
        return [hit for value in (*VALUES.values(), OTHER) for hit in find(value.encode(), blobs)]


def rows(database: Path) -> dict[str, bytes]:
    """Every value of every table, unpacked: a page's end may cut what a file's bytes would show."""
    found: dict[str, bytes] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for number, row in enumerate(db.execute(f"SELECT * FROM {table}")):
                for column, value in enumerate(row):
                    data = value if isinstance(value, bytes) else str(value).encode()
                    found[f"{table} {number} {column}"] = data
                    try:
                        found[f"{table} {number} {column} unpacked"] = zlib.decompress(data)
                    except zlib.error:
                        continue
    return found


@pytest.fixture
def vault(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """With a database that keeps its journal, so that it can be searched too."""
    kept = sqlite_file._SETTINGS.replace("journal_mode = DELETE", "journal_mode = PERSIST")
    assert kept != sqlite_file._SETTINGS
    monkeypatch.setattr(sqlite_file, "_SETTINGS", kept)
    return Vault(shop)


def forms(words: tuple[str, ...], known: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for form in known:
        yield (*words, "-o", form)
    yield (*words, "-v", "--debug")
    yield (*words, "-q")


FORMS = {
    ("plan", "v1.5", "--to", "test3"): ("table", "json", "yaml", "ndjson", "md"),
    ("reconcile", "--to", "test3", "--dry-run"): ("table", "json", "md"),
    ("rollback", "--to", "test3", "--dry-run"): ("table", "json", "md"),
    ("status", "--live"): ("table", "json", "yaml", "name"),
    ("drift", "--all"): ("table", "json", "yaml", "md"),
    ("history",): ("table", "json", "yaml", "name"),
    ("show", "test3"): ("table", "json", "yaml"),
    ("diff", "test3", "staging"): ("table", "json", "yaml"),
    ("diff", "test3/1", "test3/2"): ("table", "json", "yaml"),
    ("explain", "api.environment", "--env", "test3"): ("table", "json", "yaml"),
    ("explain", "secrets", "--env", "test3"): ("table", "json", "yaml"),
    ("render", "--env", "test3"): ("table", "json", "yaml"),
    ("validate",): ("table", "json", "yaml"),
    ("releases",): ("table", "json", "yaml", "name"),
    ("releases", "show", "v1.4"): ("table", "json", "yaml"),
    ("lock", "status"): ("table", "json", "yaml"),
    ("doctor",): ("table", "json", "yaml"),
}
ENCODINGS = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"ab{text}c".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "URL": lambda text: urllib.parse.quote(text, safe=""),
    "JSON": lambda text: json.dumps({"password": text}),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text, ensure_ascii=False)),
    "lines of 76": lambda text: base64.encodebytes(text.encode() * 3).decode(),
}


def everything(vault: Vault) -> None:
    """Every verb in every form, on an environment with every kind of secret."""
    assert vault.run("promote", "v1.3", "--to", "test3", "--yes", "-o", "ndjson", "-m", PLANTED).code == 0
    assert vault.run("promote", "v1.4", "--to", "test3", "--yes", "-v", "--debug").code == 0
    for words, known in FORMS.items():
        for typed in forms(words, known):
            ran = vault.run(*typed, terminal=typed[-1] == "-v")
            assert ran.code in {0, 2, 5}, ran
    assert vault.run("plan", "v1.5", "--to", "test3", "--out", "plan.json").code == 0
    assert vault.run("apply", "plan.json", "--yes", "--json").code == 0
    assert vault.run("rollback", "--to", "test3", "--yes").code == 0


def test_no_secret_is_said_or_left_anywhere(vault: Vault) -> None:
    everything(vault)
    assert vault.search() == []
    # The search itself: what is no secret, and went the same ways, is found there.
    blobs = vault.blobs()
    said = {hit.blob for hit in find(PLANTED.encode(), blobs)}
    for place in (" history -o table", " history -o json", " history -v", "delivery ", "/.release/history.db"):
        assert any(place in blob for blob in said), (place, said)
    deep = {hit.blob for hit in find(PLANTED_DEEP.encode(), blobs)}
    for place in ("unpacked", "deploy/test3/compose.yaml", " render", " show", " diff", "/.release/history.db"):
        assert any(place in blob for blob in deep), (place, deep)
    seen = {hit.blob for hit in find(b"verify.sh", blobs)}
    assert any(blob.endswith(".seen") for blob in seen)
    assert any("test3" in str(data) for name, data in blobs.items() if name.endswith("-journal"))


def test_the_search_finds_what_is_planted(vault: Vault) -> None:
    """A canary put into each place where nothing may be: every one is found."""
    everything(vault)
    shop = vault.shop
    secret = VALUES["a_command"]
    vault.put("read.sh.1.seen", f"sh -c {secret}")
    shop.write("deploy/test3/config/leak", base64.b64encode(f"x{secret}".encode()).decode())
    shop.write("plan.json", json.dumps({"value": secret}))
    shop.write("../home/.local/state/releaser/crash-1.txt", f"ValueError: {secret!r}")
    with closing(sqlite3.connect(shop.root / ".release/history.db")) as db:
        db.execute("CREATE TABLE leak (value BLOB)")
        db.execute("INSERT INTO leak VALUES (?)", (zlib.compress(b"z" * 9000 + secret.encode()),))
        db.commit()
    vault.said["said"] = f"error: {urllib.parse.quote(secret)}".encode()
    hits = {hit.blob.rpartition("/")[2] for hit in find(secret.encode(), vault.blobs())}
    assert hits >= {"read.sh.1.seen", "leak", "plan.json", "crash-1.txt", "said", "leak 0 0 unpacked"}, hits


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_a_check_that_prints_the_secrets(vault: Vault, encoding: str, form: str) -> None:
    told = "\n".join(f"{name} is {ENCODINGS[encoding](value)}!" for name, value in VALUES.items() if name != "a_file")
    vault.refuses(told + "\nthe end")
    ran = vault.run("promote", "v1.4", "--to", "test3", "--yes", "-v", "-o", form)
    assert ran.code == 1
    assert "the end" in ran.out + ran.err
    assert "***" in ran.out + ran.err
    for words in (("show", "test3", "-v"), ("history", "--json"), ("status", "--live")):
        vault.run(*words)
    assert vault.search() == []


def test_a_check_that_prints_a_secret_of_several_lines(vault: Vault) -> None:
    vault.refuses(f"key:\n{VALUES['a_file']}and again {json.dumps(VALUES['a_file'])}\n")
    ran = vault.run("promote", "v1.4", "--to", "test3", "--yes", "--json")
    assert ran.code == 1
    assert "and again" in ran.out
    assert vault.search() == []


def test_a_check_that_prints_a_secret_where_its_words_are_cut(vault: Vault) -> None:
    """Long lines and long outputs are cut: not through the middle of a secret."""
    long = "c4nary-" + "".join(f"{number:03}-" for number in range(40))
    vault.put("command", long)
    for words in ("x" * (500 - len(long) // 2) + long + "\n", long * 1000, "y" * 30 + long * 500 + "\nend\n"):
        vault.refuses(words)
        ran = vault.run("promote", "v1.4", "--to", "test3", "--yes", "--json")
        assert ran.code == 1
        for at in range(0, len(long) - 12, 4):
            assert long[at : at + 12] not in ran.out + ran.err, ran.out
    assert not find(long.encode(), vault.blobs())


def test_without_a_key_a_check_that_prints_the_secrets(vault: Vault) -> None:
    """What changed is unknown then; what must not be said is known still."""
    vault.shop.monkeypatch.delenv("RELEASE_FINGERPRINT_KEY")
    vault.refuses(VALUES["a_command"] + "\n" + VALUES["env_var"])
    ran = vault.run("promote", "v1.4", "--to", "test3", "--yes", "--json", environ={"HOME": "/dev/null"})
    assert ran.code == 1
    assert "cannot be told" in ran.err
    assert vault.search() == []


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_a_check_that_prints_the_secrets_when_it_is_taken_up(vault: Vault, verb: str) -> None:
    shop = vault.shop
    assert vault.run("promote", "v1.3", "--to", "test3", "--yes").code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("releaser.checks.command.CommandVerifier.run", _interrupted)
        assert vault.run("promote", "v1.4", "--to", "test3", "--yes").code == 130
    assert shop.standing("test3") == ("interrupted", None)
    vault.refuses(VALUES["a_command"] + "\n" + VALUES["env_var"])
    ran = vault.run(verb, "test3", "--yes", "--json")
    assert ran.code in {0, 1}, ran
    assert "***" in ran.out
    vault.run("show", "test3", "-v")
    assert vault.search() == []


def _interrupted(*_: object) -> None:
    raise Interrupted("stopped while verify ran")


@pytest.mark.parametrize("what", ["fails", "hangs", "is killed", "says too much", "is not there", "says nothing"])
def test_a_command_that_fails_with_the_secret_on_its_lips(vault: Vault, what: str) -> None:
    tell = f'cat "{vault.folder}/command"; cat "{vault.folder}/command" >&2\n'
    ends = {
        "fails": tell + "exit 3",
        "hangs": tell + "exec sleep 60",
        "is killed": tell + "kill -9 $$",
        "says too much": f'cat "{vault.folder}/command"; yes "$(cat "{vault.folder}/command")" | head -c 100000',
        "is not there": "exit 127",
        "says nothing": "true",
    }
    vault.put("read.sh", ends[what])
    vault.shop.edit("envs/test3.yaml", "timeout: 20s}\n  compose_file", "timeout: 1s}\n  compose_file")
    for more in (("-v", "--debug"), ("--json",)):
        ran = vault.run("plan", "v1.4", "--to", "test3", *more)
        assert ran.code == 0, ran
    assert "a_command" in vault.run("promote", "v1.4", "--to", "test3", "--yes", "--json").err
    vault.run("doctor", "--json")
    assert vault.search() == []


@pytest.mark.parametrize("form", ["table", "json", "yaml", "ndjson"])
@pytest.mark.parametrize("more", [(), ("--debug",), ("-v",)])
def test_a_defect_with_a_secret_in_its_words(vault: Vault, form: str, more: tuple[str, ...]) -> None:
    """An exception of anybody's that repeats a value, while it is known: neither said nor kept."""
    secret = VALUES["a_command"]
    with pytest.MonkeyPatch.context() as patch:

        def defect(*_: object, **__: object) -> None:
            password = secret
            raise ValueError(f"cannot log in with {password} or {password!r} or {base64.b64encode(secret.encode())!r}")

        patch.setattr("releaser.cli.delivering.consent", defect)
        ran = vault.run("promote", "v1.4", "--to", "test3", "--yes", "-o", form, *more)
    assert ran.code == 70
    assert "cannot log in" in ran.out + ran.err
    assert more == ("--debug",) or list((vault.shop.root.parent / "home").rglob("crash-*"))
    assert vault.search() == []


def test_a_literal_in_a_secrets_place(vault: Vault) -> None:
    """By hand, into what was delivered: that it is there is told, and what it is never."""
    shop = vault.shop
    assert vault.run("promote", "v1.4", "--to", "test3", "--yes").code == 0
    compose = shop.root / "deploy/test3/compose.yaml"
    delivered = compose.read_text()
    edited = delivered.replace("${CANARY_ENV:?secret env_var is not set}", OTHER)
    assert edited != delivered
    compose.write_text(edited)
    for words, known in FORMS.items():
        for typed in forms(words, known):
            assert vault.run(*typed).code in {0, 2, 3, 5} or words[-1] == "test3/2"
    assert "secret" in vault.run("drift", "--env", "test3").out
    assert vault.run("reconcile", "--to", "test3", "--accept", "-m", "mine", "--yes", "--json").code == 3
    vault.run("promote", "v1.3", "--to", "staging", "--yes")
    with pytest.MonkeyPatch.context() as patch:  # what is found live after an interruption goes into the record
        patch.setattr("releaser.engines.directory.engine.DirectoryEngine.apply", _interrupted)
        assert vault.run("promote", "v1.5", "--to", "test3", "--yes", "--json").code == 130
    vault.run("show", "test3", "--json")
    vault.run("drift", "--env", "test3", "--json")
    vault.run("diff", "test3/1", "test3/2")
    assert vault.run("promote", "v1.5", "--to", "test3", "--yes", "--json").code == 0
    assert OTHER not in compose.read_text()
    assert vault.search() == []
    shop.clean("test3")


def test_a_rotated_secret(vault: Vault) -> None:
    """The value changes: that it did is told, by name."""
    shop = vault.shop
    assert vault.run("promote", "v1.4", "--to", "test3", "--yes").code == 0
    vault.put("command", OTHER)
    vault.put("file", OTHER + "-file")
    for typed in forms(("plan", "v1.4", "--to", "test3"), ("table", "json", "md")):
        vault.run(*typed)
    plan = shop.json("plan", "v1.4", "--to", "test3", "--exit-code", code=2)
    assert {change["resource"] for change in plan["changes"] if change["action"] != "unchanged"} >= {
        "secret/a_command",
        "secret/a_file",
    }
    assert vault.run("promote", "v1.5", "--to", "test3", "--yes").code == 0
    ran = vault.run("rollback", "--to", "test3", "--yes")
    assert ran.code == 0
    assert "a_command and a_file" in ran.out + ran.err
    assert vault.search() == []


def test_a_recorded_command_runs_only_if_it_is_declared_still(vault: Vault) -> None:
    shop = vault.shop
    assert vault.run("promote", "v1.3", "--to", "test3", "--yes").code == 0
    assert vault.run("promote", "v1.4", "--to", "test3", "--yes").code == 0
    ran_before = len(list(vault.folder.glob("read.sh.*.seen")))
    assert ran_before
    shop.edit("envs/test3.yaml", f'[sh, "{vault.folder}/read.sh"]', "[echo, other]")
    ran = vault.run("rollback", "--to", "test3", "--yes")
    assert ran.code == 0
    assert "the recorded command is not today's" in ran.out + ran.err
    assert len(list(vault.folder.glob("read.sh.*.seen"))) == ran_before
    assert vault.search() == []


def test_children_get_no_environment_of_ours(vault: Vault) -> None:
    assert vault.run("promote", "v1.4", "--to", "test3", "--yes", environ={"AWS_SECRET": "c4nary-of-ours"}).code == 0
    environs = {path.name: path.read_bytes() for path in vault.folder.glob("*.environ")}
    assert len({name.split(".")[0] for name in environs}) == 2  # read.sh and verify.sh
    assert find(b"c4nary-of-ours", environs) == []
    assert all(b"CANARY_ENV" not in data and b"RELEASE_FINGERPRINT_KEY" not in data for data in environs.values())


def test_the_key_is_nobody_elses(vault: Vault) -> None:
    shop = vault.shop
    shop.monkeypatch.delenv("RELEASE_FINGERPRINT_KEY")
    assert vault.run("promote", "v1.4", "--to", "test3", "--yes").code == 0
    (key,) = (shop.root.parent / "home").rglob("fingerprint.key")
    assert key.stat().st_mode & 0o777 == 0o600
    text = key.read_bytes().strip()
    blobs = {name: data for name, data in vault.blobs().items() if name != str(key)}
    assert find(text, blobs) == []
    os.chmod(key, 0o644)  # noqa: PTH101 - as somebody else may do
    said = " ".join(shop.ok("plan", "v1.5", "--to", "test3").out.split())  # where a line ends depends on the path
    assert "changes of secrets cannot be told: the fingerprint key" in said
    assert "may be read by others" in said
