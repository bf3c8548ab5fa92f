import base64
import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from releaser.processes.run import GRACE
from releaser.registry.logins import HELPER_LIMIT, DockerLogins, Login, LoginFailed

HUB = "https://index.docker.io/v1/"


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


class Home:
    """A user's Docker configuration and helpers on a PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:{os.defpath}"}

    def config(self, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / "config.json").write_text(text)

    def helper(self, name: str, script: str) -> None:
        path = self.folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def logins(self, limit: float = 10.0) -> DockerLogins:
        return DockerLogins(self.environ, limit)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("config", [None, "", "{}", {"auths": None}, {"auths": {}}, {"credsStore": ""}])
def test_nothing_stored_is_no_login(home: Home, config: object) -> None:
    if config is not None:
        home.config(config)
    assert home.logins().login("registry.test") is None


@pytest.mark.parametrize(
    ("stored", "key"),
    [
        ("registry.test", "registry.test"),
        ("https://registry.test", "registry.test"),
        ("https://registry.test/v2/", "registry.test"),
        ("registry.test:5000", "registry.test:5000"),
        (HUB, HUB),
        ("index.docker.io", HUB),
    ],
)
def test_login_is_found_however_the_key_is_written(home: Home, stored: str, key: str) -> None:
    home.config({"auths": {"else.test": {"auth": basic("eve", "x")}, stored: {"auth": basic("ada", "pass:word")}}})
    assert home.logins().login(key) == Login(username="ada", password="pass:word")


@pytest.mark.parametrize("key", ["registry.test:5001", "test", "registry.test.evil.test", "evil-registry.test"])
def test_login_of_another_registry_is_not_taken(home: Home, key: str) -> None:
    home.config({"auths": {"registry.test": {"auth": basic("ada", "x")}}})
    assert home.logins().login(key) is None


def test_other_words_for_a_login(home: Home) -> None:
    home.config(
        {
            "auths": {
                "a.test": {"username": "ada", "password": "x", "email": "ignored"},
                "b.test": {"identitytoken": "idt"},
                "c.test": {"registrytoken": "rt"},
                "d.test": {"auth": basic("<token>", "idt")},
                "e.test": {},
            }
        }
    )
    logins = home.logins()
    assert logins.login("a.test") == Login(username="ada", password="x")
    assert logins.login("b.test") == Login(identity_token="idt")
    assert logins.login("c.test") == Login(registry_token="rt")
    assert logins.login("d.test") == Login(identity_token="idt")
    assert logins.login("e.test") is None


@pytest.mark.parametrize(
    "config", ["{", "[]", '{"auths": 3}', '{"auths": {"registry.test": {"auth": "canary-secret!"}}}', "\xff"]
)
def test_broken_configuration_names_the_file_and_no_secret(home: Home, config: str) -> None:
    home.config(config)
    with pytest.raises(LoginFailed) as failure:
        home.logins().login("registry.test")
    assert f"{home.folder}/config.json" in failure.value.reason
    assert failure.value.hint
    assert "canary" not in f"{failure.value.reason}{failure.value.hint}{failure.value.__cause__}"
    assert failure.value.__cause__ is None


def test_home_is_where_docker_looks(home: Home) -> None:
    (home.folder / ".docker").mkdir()
    (home.folder / ".docker" / "config.json").write_text(json.dumps({"auths": {"a.test": {"auth": basic("a", "b")}}}))
    logins = DockerLogins({"HOME": str(home.folder)})
    assert logins.login("a.test") == Login(username="a", password="b")
    assert logins.file == "~/.docker/config.json"


def test_configuration_that_is_a_folder_is_an_error(home: Home) -> None:
    (home.folder / "config.json").mkdir()
    with pytest.raises(LoginFailed, match="cannot be read"):
        home.logins().login("a.test")


def test_helper_is_asked_once_and_with_the_key(home: Home) -> None:
    home.helper(
        "ok", f'echo call >> {home.folder}/calls; read key; echo "{{\\"Username\\":\\"$key\\",\\"Secret\\":\\"s\\"}}"'
    )
    home.config({"credsStore": "ok"})
    logins = home.logins()
    for _ in range(3):
        assert logins.login("registry.test") == Login(username="registry.test", password="s")
    assert (home.folder / "calls").read_text() == "call\n"


def test_registrys_own_helper_comes_first(home: Home) -> None:
    home.helper("own", 'echo \'{"Username":"own","Secret":"s"}\'')
    home.helper("all", 'echo \'{"Username":"all","Secret":"s"}\'')
    home.config({"credsStore": "all", "credHelpers": {"a.test": "own"}})
    logins = home.logins()
    assert logins.login("a.test") == Login(username="own", password="s")
    assert logins.login("b.test") == Login(username="all", password="s")


def test_identity_token_of_a_helper(home: Home) -> None:
    home.helper("ok", 'echo \'{"Username":"<token>","Secret":"idt"}\'')
    home.config({"credsStore": "ok"})
    assert home.logins().login("a.test") == Login(identity_token="idt")


@pytest.mark.parametrize(
    "script",
    [
        "echo credentials not found in native keychain; exit 1",
        "echo 'Credentials not found' >&2; exit 1",
        'echo \'{"Username":"","Secret":""}\'',
    ],
)
def test_helper_without_the_login_leaves_it_to_the_file(home: Home, script: str) -> None:
    home.helper("empty", script)
    home.config({"credsStore": "empty", "auths": {"a.test": {"auth": basic("ada", "x")}}})
    assert home.logins().login("a.test") == Login(username="ada", password="x")
    assert home.logins().login("b.test") is None


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo canary-secret; exit 3", "failed with exit code 3"),
        ("echo canary-secret", "answered something else than a login"),
        ("echo '[\"canary-secret\"]'", "answered something else than a login"),
        ("kill -9 $$", "failed with exit code -9"),
    ],
)
def test_failing_helper_is_named_without_what_it_said(home: Home, script: str, told: str) -> None:
    home.helper("bad", script)
    home.config({"credsStore": "bad"})
    with pytest.raises(LoginFailed, match=f"docker-credential-bad {told}") as failure:
        home.logins().login("a.test")
    assert "canary" not in f"{failure.value.reason}{failure.value.hint}{failure.value.__cause__}"


def test_missing_helper_is_named_with_the_file(home: Home) -> None:
    home.config({"credsStore": "nowhere"})
    with pytest.raises(LoginFailed, match=r"docker-credential-nowhere, which .*config\.json names, was not found"):
        home.logins().login("a.test")


@pytest.mark.parametrize("name", ["../evil", "a/b", "a b", "-x", "a;b", "a\nb", "."])
def test_helper_that_is_no_name_is_never_run(home: Home, name: str) -> None:
    home.config({"credsStore": name})
    with pytest.raises(LoginFailed, match="cannot be one"):
        home.logins().login("a.test")


def living(group: int) -> list[str]:
    """The states of a group's processes that are not over."""
    states = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of, *_ = stat.read_text().rpartition(")")[2].split()
            states += [state] if int(of) == group and state not in "ZX" else []
    return states


def test_hanging_helper_is_ended_with_its_children_and_named(home: Home) -> None:
    home.helper("slow", f"echo $$ > {home.folder}/pid; trap '' TERM; sleep 60 & wait; sleep 60")
    home.config({"credsStore": "slow"})
    start = time.monotonic()
    with pytest.raises(LoginFailed, match=r"docker-credential-slow did not answer within 2\.5 seconds"):
        home.logins(limit=2.5).login("a.test")
    assert time.monotonic() - start < 8
    group = int((home.folder / "pid").read_text())
    assert living(group) == []


def test_helper_gets_ten_seconds_in_all() -> None:
    assert GRACE < HELPER_LIMIT == 10


def test_login_shows_nothing_of_itself() -> None:
    login = Login(username="ada", password="canary-1", identity_token="canary-2", registry_token="canary-3")
    assert "canary" not in repr(login)
