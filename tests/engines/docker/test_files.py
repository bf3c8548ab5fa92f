"""Configs and secrets are files: where they lie, whose they are, and what is refused."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import pytest

from releaser.engines.docker import files
from releaser.engines.docker.files import Owner
from releaser.model.environment import Environment
from releaser.model.errors import ApplyFailed
from releaser.model.value import Json
from tests.contracts.engine_contract import Delivering, environment
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.test_rolling import applied

PASSWD = "root:x:0:0:root:/:/bin/sh\napp:x:1000:1001:app:/:/bin/sh\n\nbroken\n"
GROUP = "root:x:0:\nstaff:x:50:app\n"


# --- whose they are ---


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("", Owner(uid=0, gid=0)),
        ("app", Owner(uid=1000, gid=1001)),
        ("app:staff", Owner(uid=1000, gid=50)),
        ("app:7", Owner(uid=1000, gid=7)),
        ("1000", Owner(uid=1000, gid=1001)),
        ("2000", Owner(uid=2000, gid=0)),
        ("2000:staff", Owner(uid=2000, gid=50)),
        ("nobody", None),
        ("app:nobody", None),
    ],
)
def test_the_numbers_behind_a_user(user: str, owner: Owner | None) -> None:
    assert files.owner(user, PASSWD, GROUP) == owner


@pytest.mark.parametrize(
    ("user", "needed"), [("", False), ("0", True), ("1:2", False), ("app", True), ("1:staff", True)]
)
def test_accounts_are_read_where_they_have_a_say(user: str, needed: bool) -> None:
    wanted = files.wanted({"secrets": {"a": {}}})
    told = files.wanted({"secrets": {"a": {"uid": 1, "gid": 2}}})

    assert files.needs_lookup(wanted, user) is needed
    assert not files.needs_lookup(told, user)


def test_modes_and_places() -> None:
    words = {
        "configs": {"app": {"name": "app.1"}, "site": {"name": "site.1", "target": "/etc/site/x.conf", "mode": "0640"}},
        "secrets": {"db": {}, "key": {"target": "/etc/key.pem", "uid": 7, "gid": "8"}},
    }
    assert [(file.target, file.mode, file.uid, file.gid) for file in files.wanted(words)] == [
        ("/app", 0o444, None, None),
        ("/etc/key.pem", 0o400, 7, 8),
        ("/etc/site/x.conf", 0o640, None, None),
        ("/run/secrets/db", 0o400, None, None),
    ]
    assert files.folders(words) == ("/etc", "/etc/site", "/run/secrets")


def test_an_archive_has_the_files_of_a_folder() -> None:
    (file,) = files.wanted({"configs": {"app": {"target": "/etc/app.ini"}}})
    packed = files.archive([file], {"/etc/app.ini": b"x"}, Owner(uid=5, gid=6), 7)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        (entry,) = tar.getmembers()
    assert (entry.name, entry.mode, entry.uid, entry.gid, entry.mtime) == ("app.ini", 0o444, 5, 6, 7)
    assert files.content_of(packed) == b"x"


# --- what is refused ---


@pytest.mark.parametrize(
    ("words", "refusals"),
    [
        ({"configs": {"app": {"target": "/etc/nginx/nginx.conf"}}}, []),
        ({"configs": {"app": {}}}, []),
        ({"configs": {"app": {}}, "read_only": True}, [("configs.app", "no volume can be at `/`")]),
        ({"secrets": {"db": {"target": "/db"}}}, [("secrets.db.target", "`docker commit`")]),
        (
            {"configs": {"app": {"target": "/data/app.ini"}}, "volumes": {"v": {"target": "/data/"}}},
            [("configs.app.target", "what is mounted at `/data`")],
        ),
        (
            {"configs": {"app": {"target": "/srv/x/app.ini"}}, "volumes": {"v": {"type": "bind", "target": "/srv"}}},
            [("configs.app.target", "what is mounted at `/srv`")],
        ),
        ({"configs": {"app": {"target": "/data2/a"}}, "volumes": {"v": {"target": "/data"}}}, []),
    ],
)
def test_files_where_none_can_be(words: Mapping[str, Any], refusals: list[tuple[str, str]]) -> None:
    found = list(files.refused(words))

    assert [".".join(wrong.path) for wrong in found] == [path for path, _ in refusals]
    for wrong, (_, part) in zip(found, refusals, strict=True):
        assert part in wrong.message
        assert wrong.hint


# --- on a real engine ---

SECTIONS = {
    "configs": {"app": {"content": "level = 1\n"}, "site": {"base64": "AAH/"}},
    "secrets": {"password": {"from": "env", "name": "SHOP_PASSWORD"}},
}


def declared(**api: Json) -> Environment:
    words = {"image": "api", "stop_grace_period": "2s", **api}
    return environment(services={"api": words}, **SECTIONS)


def listing(lab: DockerLab, *targets: str) -> dict[str, tuple[bytes, int, int, int]]:
    """Target → content, mode, owner, group, as the engine archives it."""
    id_ = lab.one("api")["Id"]
    found = {}
    for target in targets:
        data = lab.client.download(f"/containers/{id_}/archive", {"path": target})
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            (entry,) = tar.getmembers()
            opened = tar.extractfile(entry)
            assert opened is not None
            found[target] = (opened.read(), entry.mode, entry.uid, entry.gid)
    return found


WORDS = {
    "configs": {"app": {"target": "/etc/app.ini"}, "site": {"target": "/srv/conf/site.bin", "mode": "0640"}},
    "secrets": {"password": {}},
}
FILES = ("/etc/app.ini", "/srv/conf/site.bin", "/run/secrets/password")


@pytest.mark.engines
@pytest.mark.parametrize("read_only", [False, True])
def test_files_are_there_before_it_starts(lab: DockerLab, delivering: Delivering, read_only: bool) -> None:
    command = ["/bin/sh", "-c", f"cat {' '.join(FILES)} | wc -c; cat /etc/passwd | head -1; sleep 1000 & wait"]
    delivering.deliver(declared(**WORDS, command=command, read_only=read_only))

    assert listing(lab, *FILES) == {
        "/etc/app.ini": (b"level = 1\n", 0o444, 0, 0),
        "/srv/conf/site.bin": (b"\x00\x01\xff", 0o640, 0, 0),
        "/run/secrets/password": (b"value-of-password", 0o400, 0, 0),
    }
    one = lab.one("api")
    assert lab.client.logs(f"/containers/{one['Id']}/logs").split() == ["30", "root:x:0:0:root:/:/bin/sh"]
    lab.client.call("POST", f"/containers/{one['Id']}/restart", params={"t": 0})
    assert listing(lab, *FILES)["/run/secrets/password"][0] == b"value-of-password"
    assert "volumes" not in delivering.inventory.items["service/api"].snapshot


@pytest.mark.engines
@pytest.mark.parametrize(
    ("user", "image_user", "owner"),
    [("app", "", (1000, 1000)), (None, "app", (1000, 1000)), ("7:8", "app", (7, 8)), ("0", "app", (0, 0))],
)
def test_files_belong_to_whom_it_runs_as(
    lab: DockerLab, delivering: Delivering, user: str | None, image_user: str, owner: tuple[int, int]
) -> None:
    lab.named = {"api": lab.images.sleep("user", User=image_user)}
    words = {**WORDS, **({"user": user} if user else {})}
    delivering.deliver(declared(**words))

    found = listing(lab, *FILES)
    assert {one[2:] for one in found.values()} == {owner}


@pytest.mark.engines
def test_said_owners_go_first(lab: DockerLab, delivering: Delivering) -> None:
    words = {"user": "app", "secrets": {"password": {"uid": 5, "gid": 6, "mode": "0440"}}}
    delivering.deliver(declared(**words))
    assert listing(lab, "/run/secrets/password")["/run/secrets/password"][1:] == (0o440, 5, 6)


@pytest.mark.engines
def test_a_user_whom_the_image_does_not_know(lab: DockerLab, delivering: Delivering) -> None:
    with pytest.raises(ApplyFailed) as failed:
        applied(delivering, declared(user="stranger", **WORDS))

    assert "runs as `stranger`, whom its image does not know" in failed.value.message
    assert lab.containers() == []
    assert lab.volumes() == {}


@pytest.mark.engines
def test_a_file_directly_below_the_root(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(configs={"app": {}}))
    assert listing(lab, "/app")["/app"][0] == b"level = 1\n"
    assert lab.volumes() == {}


@pytest.mark.engines
def test_volumes_with_files_go_with_their_container(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(**WORDS))
    first = set(lab.volumes())
    assert len(first) == 3
    delivering.deliver(declared(**WORDS, environment={"LEVEL": "2"}))
    second = set(lab.volumes()) - first
    assert len(lab.volumes()) == 6  # the predecessor is kept
    delivering.deliver(declared(**WORDS, environment={"LEVEL": "3"}))
    assert len(lab.volumes()) == 6
    assert second < set(lab.volumes())
    assert not first & set(lab.volumes())


@pytest.mark.engines
def test_what_a_delivery_left_when_it_died_is_cleared_away(lab: DockerLab, delivering: Delivering) -> None:
    labels = {"releaser.project": lab.project, "releaser.environment": "test1", "releaser.of": "api"}
    lab.client.call("POST", "/volumes/create", body={"Name": f"{lab.project}-debris", "Labels": labels})
    delivering.deliver(declared())
    assert lab.volumes() == {}


@pytest.mark.engines
def test_no_secret_is_in_what_the_engine_shows(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(**WORDS, environment={"SHOWN": {"secret": "password"}}))
    one = lab.one("api")
    environment_ = one["Config"].pop("Env")

    assert "SHOWN=value-of-password" in environment_
    assert "value-of-password" not in json.dumps([one, lab.volumes()])
    assert "value-of-password" not in json.dumps([dict(live.body) for live in delivering.observe().resources.values()])
    assert delivering.inventory.items["service/api"].snapshot["environment"]["SHOWN"] == {"secret": "password"}


@pytest.mark.engines
def test_a_config_of_any_size(lab: DockerLab, delivering: Delivering) -> None:
    big = environment(
        services={"api": {"image": "api", "stop_grace_period": "2s", "configs": {"app": {"target": "/etc/big/app"}}}},
        configs={"app": {"content": "x" * 3_000_000}},
    )
    delivering.deliver(big)
    assert len(listing(lab, "/etc/big/app")["/etc/big/app"][0]) == 3_000_000
