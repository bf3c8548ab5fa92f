"""Declared words in the API's units and shapes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.engines.moby import words

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("0s", 0),
        ("500ms", 500_000_000),
        ("1us", 1_000),
        ("1.5s", 1_500_000_000),
        ("1h2m3s4ms5us", 3_723_004_005_000),
        ("0.1s", 100_000_000),
        ("1.000001s", 1_000_001_000),
    ],
)
def test_a_span_in_nanoseconds(span: str, expected: int) -> None:
    assert words.nanoseconds(span) == expected
    assert words.seconds(span) == expected / 1e9


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, 0),
        (268435456, 268435456),
        ("64", 64),
        ("64b", 64),
        ("64k", 65536),
        ("64KiB", 65536),
        ("1.5G", 1610612736),
        ("1g", 1 << 30),
        ("2Ti", 2 << 40),
        ("1mb", 1 << 20),
    ],
)
def test_a_size_in_bytes(size: str | int, expected: int) -> None:
    assert words.byte_count(size) == expected


def test_what_is_no_size() -> None:
    with pytest.raises(ValueError, match="not a size: a lot"):
        words.byte_count("a lot")


@pytest.mark.parametrize(
    ("cpus", "expected"), [(2, 2_000_000_000), (0.5, 500_000_000), ("0.1", 100_000_000), (".25", 250_000_000)]
)
def test_processors_in_billionths(cpus: str | float, expected: int) -> None:
    assert words.nano_cpus(cpus) == expected


@given(st.integers(min_value=0, max_value=10**9))
def test_no_processor_is_lost_to_rounding(millionths: int) -> None:
    assert words.nano_cpus(f"{millionths // 10**6}.{millionths % 10**6:06}") == millionths * 1000


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("serve --port 80", ["serve", "--port", "80"]),
        ("sh -c 'a b'", ["sh", "-c", "a b"]),
        ("", []),
        (["a", "b c"], ["a", "b c"]),
        ([1, True], ["1", "true"]),
    ],
)
def test_a_command_as_its_arguments(command: object, expected: list[str]) -> None:
    assert words.argv(command) == expected


def test_a_command_with_an_open_quote() -> None:
    with pytest.raises(ValueError, match="quot"):
        words.argv("echo 'a")


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (None, None),
        ({}, None),
        ({"disable": True}, {"Test": ["NONE"]}),
        ({"test": ["NONE"]}, {"Test": ["NONE"]}),
        ({"test": "curl localhost"}, {"Test": ["CMD-SHELL", "curl localhost"]}),
        ({"interval": "5s", "retries": 3}, {"Interval": 5 * 10**9, "Retries": 3}),
        (
            {"test": ["CMD", "ok"], "timeout": "1s", "start_period": "2s", "start_interval": "500ms"},
            {"Test": ["CMD", "ok"], "Timeout": 10**9, "StartPeriod": 2 * 10**9, "StartInterval": 5 * 10**8},
        ),
    ],
)
def test_a_health_check(check: dict | None, expected: dict | None) -> None:
    assert words.health_config(check) == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, False),
        ({"healthcheck": {"interval": "5s"}}, False),  # of the image's own check, if it has one
        ({"healthcheck": {"test": ["NONE"]}}, False),
        ({"healthcheck": {"disable": True, "test": "true"}}, False),
        ({"healthcheck": {"test": "true"}}, True),
    ],
)
def test_whether_a_check_is_declared(declared: dict, expected: bool) -> None:
    assert words.checked(declared) is expected


def test_ports() -> None:
    declared = {
        "web": {"target": 80, "published": 8000, "host_ip": "127.0.0.1", "mode": "host"},
        "auto": {"target": 81, "published": "auto", "protocol": "udp"},
        "inside": {"target": 82},
    }
    auto, inside, web = words.ports({"ports": declared})

    assert (web.published, web.outside, web.host_ip, web.mode, web.inside) == (
        8000,
        True,
        "127.0.0.1",
        "host",
        "80/tcp",
    )
    assert (auto.published, auto.outside, auto.inside) == (None, True, "81/udp")
    assert (inside.published, inside.outside, inside.mode) == (None, False, "ingress")
    assert words.exposed({"ports": declared, "expose": [7000, "9/udp"]}) == (
        "7000/tcp", "80/tcp", "81/udp", "82/tcp", "9/udp",
    )  # fmt: skip
    assert words.ports({}) == ()


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (
            {"type": "volume", "source": "x_data", "target": "/d", "volume": {"nocopy": True, "subpath": "a"}},
            {
                "Type": "volume",
                "Source": "x_data",
                "Target": "/d",
                "VolumeOptions": {"NoCopy": True, "Subpath": "a"},
            },
        ),
        (
            {
                "type": "bind",
                "source": "./a/../b",
                "target": "/d",
                "read_only": True,
                "bind": {"propagation": "rslave"},
            },
            {
                "Type": "bind",
                "Source": "/project/b",
                "Target": "/d",
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rslave"},
            },
        ),
        (
            {"type": "bind", "source": "/srv", "target": "/d", "bind": {"create_host_path": True, "selinux": "z"}},
            {"Type": "bind", "Source": "/srv", "Target": "/d", "BindOptions": {"CreateMountpoint": True}},
        ),
        (
            {"type": "tmpfs", "target": "/d", "tmpfs": {"size": "1m", "mode": "01777"}},
            {"Type": "tmpfs", "Target": "/d", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777}},
        ),
        ({"type": "tmpfs", "target": "/d"}, {"Type": "tmpfs", "Target": "/d"}),
    ],
)
def test_mounts(mount: dict, expected: dict) -> None:
    assert list(words.mounts({"volumes": {"key": mount}}, ROOT)) == [("key", expected)]


def test_a_path_from_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    assert words.host_path("~/data", ROOT) == "/home/ada/data"
    assert words.host_path("~nobody-here/data", ROOT) == "/project/~nobody-here/data"


def test_files() -> None:
    declared = {
        "configs": {"app": {"target": "etc/app.ini", "uid": 1000, "mode": "0440"}, "logo": {}},
        "secrets": {"db": {"target": "db.txt", "gid": "5"}, "key": None, "tls": {"target": "/etc/tls"}},
    }

    assert [(file.name, file.target, file.uid, file.mode) for file in words.config_files(declared)] == [
        ("app", "/etc/app.ini", "1000", 0o440),
        ("logo", "/logo", None, None),
    ]
    assert [(file.target, file.gid) for file in words.secret_files(declared)] == [
        ("/run/secrets/db.txt", "5"),
        ("/run/secrets/key", None),
        ("/etc/tls", None),
    ]


def test_ulimits() -> None:
    declared = {"nproc": 100, "nofile": {"soft": 1, "hard": 2}, "core": {"soft": 3}, "data": {"hard": -1}}

    assert words.ulimits({"ulimits": declared}) == [
        {"Name": "core", "Soft": 3, "Hard": 3},
        {"Name": "data", "Soft": -1, "Hard": -1},
        {"Name": "nofile", "Soft": 1, "Hard": 2},
        {"Name": "nproc", "Soft": 100, "Hard": 100},
    ]


def test_capabilities_as_the_engine_answers_them() -> None:
    assert words.capabilities(["net_admin", "CAP_CHOWN", "ALL", "NET_ADMIN"]) == ["ALL", "CAP_CHOWN", "CAP_NET_ADMIN"]
    assert words.capabilities(None) == []


@pytest.mark.parametrize(
    ("word", "condition", "by_hand", "attempts"),
    [
        ("no", "none", True, None),
        ("always", "any", True, None),
        ("unless-stopped", "any", False, None),
        ("on-failure", "on-failure", True, None),
        ("on-failure:3", "on-failure", True, 3),
    ],
)
def test_restart(word: str, condition: str, by_hand: bool, attempts: int | None) -> None:
    found = words.restart(word)
    assert (found.condition, found.by_hand, found.attempts) == (condition, by_hand, attempts)


def test_a_restart_policy() -> None:
    found = words.restart_policy({"condition": "on-failure", "delay": "5s", "max_attempts": 3, "window": "1m"})

    assert (found.condition, found.attempts, found.delay, found.window) == ("on-failure", 3, 5 * 10**9, 60 * 10**9)
    assert words.restart_policy({}).condition == "any"


def test_the_policy_goes_before_the_word() -> None:
    policy = {"restart_policy": {"condition": "none"}}

    assert words.restarting({"restart": "always", "deploy": policy}) == words.restart_policy(policy["restart_policy"])
    assert words.restarting({"restart": "always", "deploy": {}}) == words.restart("always")
    assert words.restarting({"deploy": {"restart_policy": {}}}) is None


def test_folders_in_memory() -> None:
    assert words.tmpfs({"tmpfs": ["/tmp:size=64m,exec", "/run"]}) == {"/run": "", "/tmp": "size=64m,exec"}
    assert words.tmpfs({"tmpfs": "/run"}) == {"/run": ""}
    assert words.tmpfs({}) == {}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("/dev/a", ("/dev/a", "/dev/a", "rwm")),
        ("/dev/a:/dev/b", ("/dev/a", "/dev/b", "rwm")),
        ("/dev/a:/dev/b:r", ("/dev/a", "/dev/b", "r")),
        ("/dev/a:rw", ("/dev/a", "/dev/a", "rw")),
    ],
)
def test_devices(entry: str, expected: tuple[str, str, str]) -> None:
    (device,) = words.devices({"devices": [entry]})
    assert (device.source, device.target, device.permissions) == expected


@pytest.mark.parametrize(
    ("deploy", "expected"),
    [
        ({}, 1),
        ({"replicas": 3}, 3),
        ({"replicas": 0}, 0),
        ({"mode": "global", "replicas": 3}, 1),
        ({"mode": "global-job"}, 1),
    ],
)
def test_how_many_instances(deploy: dict, expected: int) -> None:
    assert words.replicas({"deploy": deploy}) == expected
    assert words.is_job({"deploy": deploy}) is (deploy.get("mode") == "global-job")
    assert words.replicas({}) == 1


def test_texts_are_as_in_yaml() -> None:
    assert words.texts_by_name({"b": True, "a": 1.5, "c": "x"}) == {"a": "1.5", "b": "true", "c": "x"}
    assert words.texts("one") == ["one"]
    assert words.texts([1, "two"]) == ["1", "two"]
