import pytest

from releaser.model.errors import InvalidDeclarations
from releaser.model.image import Image
from releaser.model.value import Location
from releaser.registry.references import repository

PLACE = Location(file="envs/pipeline.yaml", line=3, column=5)


def named(text: str) -> Image:
    return Image(name="x", repository=text, location=PLACE)


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("redis", "docker.io", "library/redis"),
        ("shop/api", "docker.io", "shop/api"),
        ("docker.io/redis", "docker.io", "library/redis"),
        ("docker.io/library/redis", "docker.io", "library/redis"),
        ("index.docker.io/shop/api", "docker.io", "shop/api"),
        ("registry.example.com/shop/api", "registry.example.com", "shop/api"),
        ("registry.example.com/api", "registry.example.com", "api"),
        ("registry.example.com:5000/a/b/c", "registry.example.com:5000", "a/b/c"),
        ("localhost/api", "localhost", "api"),
        ("localhost:5000/api", "localhost:5000", "api"),
        ("127.0.0.1:5000/api", "127.0.0.1:5000", "api"),
        ("[::1]:5000/api", "[::1]:5000", "api"),
        ("Registry/api", "Registry", "api"),
        ("a.b/c__d/e-f--g.h", "a.b", "c__d/e-f--g.h"),
    ],
)
def test_reads_names_as_docker_does(text: str, host: str, path: str) -> None:
    where = repository(named(text))
    assert (where.host, where.path) == (host, path)


def test_hub_is_asked_elsewhere_than_it_is_called() -> None:
    where = repository(named("redis"))
    assert where.api == "registry-1.docker.io"
    assert where.login_key == "https://index.docker.io/v1/"
    other = repository(named("registry.example.com/x"))
    assert other.api == other.login_key == "registry.example.com"


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:5000/a", True),
        ("127.9.9.9/a", True),
        ("localhost/a", True),
        ("registry.localhost/a", True),
        ("[::1]:5000/a", True),
        ("127.0.0.1.example.com/a", False),
        ("localhost.example.com/a", False),
        ("10.0.0.1/a", False),
    ],
)
def test_loopback_by_name(text: str, *, loopback: bool) -> None:
    assert repository(named(text)).is_loopback is loopback


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example.com/api",
        "registry.example.com/api:v1",
        "redis:7",
        "redis@sha256:" + "0" * 64,
        "registry.example.com/Api",
        "registry.example.com/",
        "registry.example.com//api",
        "registry.example.com/../api",
        "registry.example.com/a/../../b",
        "user:password@registry.example.com/api",
        "registry.example.com:port/api",
        "registry.example.com/api?x",
        "registry.example.com/api#x",
        "registry.example.com/a b",
        "registry.example.com/a\nb",
        "registry.example.com/" + "a" * 256,
        "-registry.example.com/a",
        "registry..com/a",
        "a._b/c",
        "",
        "/a",
        "\u202eregistry.example.com/a",
    ],
)
def test_refuses_what_is_no_repository(text: str) -> None:
    with pytest.raises(InvalidDeclarations) as failure:
        repository(named(text))
    (problem,) = failure.value.problems
    assert problem.locations == (PLACE,)
    assert problem.hint
    assert problem.message.isascii()
    assert problem.message.isprintable()
