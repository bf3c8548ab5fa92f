"""Logins and tokens against scripted registries, token servers and storages on a made-up network."""

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from releaser.model.environment import RegistrySettings
from releaser.model.errors import RegistryUnreachable
from releaser.model.image import Image
from releaser.registry.auth import Challenge, parse_challenges
from releaser.registry.oci import DistributionRegistry
from releaser.registry.transport import Limits
from tests.contracts.oci_images import multi
from tests.contracts.scripted_registry import Network, Reply, Rule, ScriptedRegistry, Seen

QUICK = Limits(connect=5, read=5, total=15, pause=0.01)
BASIC = "Basic " + base64.b64encode(b"ada:canary-password").decode()
IMAGE = Image(name="api", repository="registry.test/shop/api")
Secure = Callable[[str, str], ScriptedRegistry]


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ('Bearer realm="https://a/t",service="s"', [("bearer", {"realm": "https://a/t", "service": "s"})]),
        ('bearer Realm="x" , Scope="a,b c"', [("bearer", {"realm": "x", "scope": "a,b c"})]),
        ('Basic realm="a \\"b\\""', [("basic", {"realm": 'a "b"'})]),
        ("Basic realm=plain", [("basic", {"realm": "plain"})]),
        ("Basic", [("basic", {})]),
        ('Negotiate, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        (
            'Basic realm="x", Bearer realm="y", service=z',
            [("basic", {"realm": "x"}), ("bearer", {"realm": "y", "service": "z"})],
        ),
        ('Bearer realm="first",realm="second"', [("bearer", {"realm": "first"})]),
        ("", []),
        ("realm=x", []),
        ('Bearer realm="open', [("bearer", {})]),
    ],
)
def test_challenges(header: str, challenges: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(header)[: len(challenges) or None] == [Challenge(*one) for one in challenges]


@pytest.mark.parametrize(
    "header", ["a" * 60_000, 'a="' * 20_000, "a " * 30_000, "a=\\" * 15_000, '"' * 60_000, "a-" * 30_000]
)
def test_challenge_of_nonsense_costs_no_time(header: str) -> None:
    parse_challenges(header)


def asks_for(challenge: str, header: str) -> Rule:
    """401 until the header is there."""

    def rule(request: Seen) -> Reply | None:
        if not request.path.startswith("/v2/") or request.authorization == header:
            return None
        return Reply(401, {"WWW-Authenticate": challenge})

    return rule


def gives_token(body: bytes = b'{"token": "canary-token"}', status: int = 200) -> Rule:
    return lambda request: Reply(status, {}, body) if request.path == "/token" else None


def bearer(realm: str) -> str:
    return f'Bearer realm="{realm}",service="the service",scope="repository:other/secret:pull,push"'


class Town:
    """A registry over TLS that asks for tokens, and what else the tests place beside it."""

    def __init__(self, secure: Secure, ca: str, network: Network) -> None:
        self.network = network
        self.secure = secure
        self.ca = ca
        self.server = secure("registry.test", "198.51.100.1")
        self.content = multi()
        self.server.store("shop/api", "v1", self.content)
        self.settings = {"registry.test": RegistrySettings(ca=ca)}

    def registry(self) -> DistributionRegistry:
        return DistributionRegistry(Path(), self.settings, limits=QUICK)

    def resolve(self) -> None:
        assert self.registry().resolve(IMAGE, "v1").digest == self.content.top

    def refusal(self, image: Image = IMAGE) -> RegistryUnreachable:
        with pytest.raises(RegistryUnreachable) as failure:
            self.registry().resolve(image, "v1")
        error = failure.value
        assert "registry.test/shop/api" in error.message
        assert error.hint
        assert "canary" not in f"{error.message} {error.hint}"
        return error


@pytest.fixture
def town(secure: Secure, ca: str, network: Network) -> Town:
    return Town(secure, ca, network)


def test_basic(town: Town, logged_in: Callable[..., None]) -> None:
    logged_in("registry.test")
    town.server.rules = [asks_for('Basic realm="x"', BASIC)]
    town.resolve()
    assert [one.authorization for one in town.server.seen[:3]] == [None, BASIC, BASIC]


@pytest.mark.parametrize("word", ["token", "access_token"])
def test_token_for_anybody(town: Town, word: str) -> None:
    town.server.rules = [
        asks_for(bearer("https://registry.test/token"), "Bearer canary-token"),
        gives_token(f'{{"{word}": "canary-token", "expires_in": 300}}'.encode()),
    ]
    town.resolve()
    tokens = [one for one in town.server.seen if one.path == "/token"]
    assert len(tokens) == 1, "one token for all requests to one repository"
    assert tokens[0].authorization is None
    # Never what the registry wishes: a token for another repository would be a present to it.
    assert parse_qs(tokens[0].query) == {"scope": ["repository:shop/api:pull"], "service": ["the service"]}


def test_token_for_a_login(town: Town, logged_in: Callable[..., None]) -> None:
    logged_in("registry.test")
    town.server.rules = [
        asks_for(bearer("https://registry.test/token?account=x"), "Bearer canary-token"),
        lambda request: Reply(401) if request.path == "/token" and request.authorization != BASIC else None,
        gives_token(),
    ]
    town.resolve()
    (token,) = [one for one in town.server.seen if one.path == "/token"]
    assert parse_qs(token.query)["account"] == ["x"]
    others = {one.authorization for one in town.server.seen if one is not token}
    assert others == {None, "Bearer canary-token"}, "the login itself goes to the token server only"


def test_identity_token_is_traded_in(town: Town, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(
        '{"auths": {"registry.test": {"identitytoken": "canary-identity"}}}'
    )
    town.server.rules = [
        asks_for(bearer("https://registry.test/token"), "Bearer canary-token"),
        gives_token(b'{"access_token": "canary-token"}'),
    ]
    town.resolve()
    (token,) = [one for one in town.server.seen if one.path == "/token"]
    form = parse_qs(token.body.decode())
    assert token.method == "POST"
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["canary-identity"]
    assert form["scope"] == ["repository:shop/api:pull"]


def test_registry_token_is_shown_as_it_is(town: Town, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text('{"auths": {"registry.test": {"registrytoken": "canary-token"}}}')
    town.server.rules = [asks_for(bearer("https://registry.test/token"), "Bearer canary-token")]
    town.resolve()


def test_each_repository_has_its_own_token(town: Town) -> None:
    town.server.store("shop/web", "v1", town.content)
    town.server.rules = [
        lambda one: (
            Reply(200, {}, b'{"token": "%s"}' % one.query.split("%3A")[1].encode()) if one.path == "/token" else None
        ),
        lambda one: (
            Reply(401, {"WWW-Authenticate": bearer("https://registry.test/token")})
            if one.authorization != f"Bearer {'%2F'.join(one.path.split('/')[2:4])}"
            else None
        ),
    ]
    registry = town.registry()
    for name in ("shop/api", "shop/web", "shop/api"):
        registry.resolve(Image(name="x", repository=f"registry.test/{name}"), "v1")
    assert len([one for one in town.server.seen if one.path == "/token"]) == 2


def test_ended_token_is_renewed_once(town: Town) -> None:
    issued: list[str] = []

    def give(request: Seen) -> Reply | None:
        if request.path != "/token":
            return None
        issued.append(f"t{len(issued)}")
        return Reply(200, {}, f'{{"token": "{issued[-1]}", "expires_in": 3600}}'.encode())

    def newest(request: Seen) -> Reply | None:
        if issued and request.authorization == f"Bearer {issued[-1]}":
            return None
        return Reply(401, {"WWW-Authenticate": bearer("https://registry.test/token")})

    town.server.rules = [give, newest]
    registry = town.registry()
    registry.resolve(IMAGE, "v1")
    issued.append("revoked")
    registry.confirm(IMAGE, town.content.top)
    assert issued == ["t0", "revoked", "t2"]


@pytest.mark.parametrize("challenge", ['Basic realm="x"', bearer("https://registry.test/token")])
def test_login_that_is_missing(town: Town, challenge: str) -> None:
    town.server.rules = [asks_for(challenge, "never"), gives_token(status=401)]
    error = town.refusal()
    assert "asks for a login and none is stored" in error.message
    assert "docker login registry.test" in str(error.hint)


@pytest.mark.parametrize("challenge", ['Basic realm="x"', bearer("https://registry.test/token")])
def test_login_that_is_refused(town: Town, logged_in: Callable[..., None], challenge: str) -> None:
    logged_in("registry.test")
    town.server.rules = [asks_for(challenge, "never"), gives_token()]
    assert "refuses the login from" in town.refusal().message
    assert len([one for one in town.server.seen if one.path.startswith("/v2/")]) == 2, "asked once more, not for ever"


def test_403_is_a_refusal(town: Town) -> None:
    town.server.rules = [lambda _: Reply(403)]
    assert "asks for a login" in town.refusal().message


@pytest.mark.parametrize("challenge", ["", "Negotiate", 'Digest realm="x"', "\xe4"])
def test_other_kinds_of_login(town: Town, challenge: str) -> None:
    town.server.rules = [asks_for(challenge, "never")]
    assert "without saying which kind" in town.refusal().message


def test_broken_docker_configuration_only_matters_where_a_login_is_asked_for(town: Town, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text("canary{")
    town.resolve()
    town.server.rules = [asks_for('Basic realm="x"', "never")]
    assert "config.json is not what Docker writes" in town.refusal().message


# --- where a login may go ---


def test_login_is_not_sent_to_a_strange_token_server(town: Town, logged_in: Callable[..., None]) -> None:
    logged_in("registry.test")
    evil = town.secure("evil.test", "198.51.100.66")
    evil.rules = [gives_token(b'{"token": "worthless"}')]
    town.server.rules = [asks_for(bearer("https://evil.test/token"), "Bearer canary-token")]
    error = town.refusal()
    assert "wants our login sent to evil.test" in error.message
    assert "registries: {registry.test: {auth: evil.test}}" in str(error.hint)
    assert [one.authorization for one in evil.seen] == [None]
    assert all(b"canary" not in one.body for one in evil.seen)


def test_identity_token_is_not_sent_to_a_strange_token_server(town: Town, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(
        '{"auths": {"registry.test": {"identitytoken": "canary-identity"}}}'
    )
    evil = town.secure("evil.test", "198.51.100.66")
    evil.rules = [gives_token(status=401)]
    town.server.rules = [asks_for(bearer("https://evil.test/token"), "Bearer canary-token")]
    assert "evil.test" in town.refusal().message
    assert [(one.method, one.body) for one in evil.seen] == [("GET", b"")]


def test_declared_token_server_gets_the_login(town: Town, logged_in: Callable[..., None]) -> None:
    logged_in("registry.test")
    auth = town.secure("auth.test", "198.51.100.2")
    auth.rules = [gives_token()]
    town.server.rules = [asks_for(bearer("https://auth.test/token"), "Bearer canary-token")]
    town.settings = {"registry.test": RegistrySettings(ca=town.ca, auth="Auth.test")}
    town.resolve()
    assert [one.authorization for one in auth.seen] == [BASIC]


def test_strange_token_server_is_fine_for_anybody(town: Town) -> None:
    auth = town.secure("auth.test", "198.51.100.2")
    auth.rules = [gives_token()]
    town.server.rules = [asks_for(bearer("https://auth.test/token"), "Bearer canary-token")]
    town.resolve()
    assert [one.authorization for one in auth.seen] == [None]


def test_docker_hub(secure: Secure, ca: str, logged_in: Callable[..., None]) -> None:
    logged_in("https://index.docker.io/v1/")
    hub, auth = secure("registry-1.docker.io", "198.51.100.3"), secure("auth.docker.io", "198.51.100.4")
    content = multi()
    hub.store("library/redis", "7.4", content)
    hub.rules = [asks_for(bearer("https://auth.docker.io/token"), "Bearer canary-token")]
    auth.rules = [gives_token()]
    registry = DistributionRegistry(Path(), {"docker.io": RegistrySettings(ca=ca)}, limits=QUICK)
    assert registry.resolve(Image(name="cache", repository="redis"), "7.4").digest == content.top
    assert [one.authorization for one in auth.seen] == [BASIC]
    assert parse_qs(auth.seen[0].query)["scope"] == ["repository:library/redis:pull"]


def test_docker_hubs_token_server_is_only_docker_hubs(town: Town, logged_in: Callable[..., None]) -> None:
    logged_in("registry.test")
    auth = town.secure("auth.docker.io", "198.51.100.4")
    auth.rules = [gives_token()]
    town.server.rules = [asks_for(bearer("https://auth.docker.io/token"), "Bearer never")]
    assert "wants our login sent to auth.docker.io" in town.refusal().message
    assert {one.authorization for one in auth.seen} == {None}


@pytest.mark.parametrize(
    "realm",
    [
        "http://registry.test/token",
        "http://evil.test/token",
        "ftp://registry.test/token",
        "//evil.test/token",
        "/token",
        "",
        "https://ada:x@registry.test/token",
        "https://registry.test:port/token",
        "https://[::1/token",
        "javascript:alert(1)",
        "file:///etc/passwd",
    ],
)
def test_token_server_that_is_never_asked(town: Town, logged_in: Callable[..., None], realm: str) -> None:
    logged_in("registry.test")
    town.server.rules = [asks_for(bearer(realm), "never")]
    assert "names a token server" in town.refusal().message
    assert {place[0] for place in town.network.asked} == {"198.51.100.1"}
    assert len(town.server.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_storage_elsewhere_gets_no_token(town: Town, status: int) -> None:
    storage = town.secure("storage.test", "198.51.100.5")
    storage.blobs = town.server.blobs
    storage.tags = town.server.tags
    town.server.rules = [
        lambda one: (
            Reply(status, {"Location": f"https://storage.test{one.path}?sig=x"}) if "/blobs/" in one.path else None
        ),
        asks_for(bearer("https://registry.test/token"), "Bearer canary-token"),
        gives_token(),
    ]
    town.resolve()
    assert [one.authorization for one in storage.seen] == [None]
    assert storage.seen[0].query == "sig=x"


@pytest.mark.parametrize("target", ["https://registry.test/v2/shop/api/blobs2/{}", "/v2/shop/api/blobs2/{}"])
def test_redirect_within_the_registry_keeps_the_token(town: Town, target: str) -> None:
    def move(request: Seen) -> Reply | None:
        if "/blobs/" in request.path:
            return Reply(307, {"Location": target.format(request.path.rpartition("/")[2])})
        if "/blobs2/" in request.path:
            return Reply(200, {}, town.server.blobs[request.path.rpartition("/")[2]])
        return None

    town.server.rules = [
        asks_for(bearer("https://registry.test/token"), "Bearer canary-token"),
        gives_token(),
        move,
    ]
    town.resolve()


def test_another_port_is_another_place(town: Town) -> None:
    other = town.secure("registry.test", "198.51.100.1")
    town.network.place("registry.test", "198.51.100.1", town.server)
    town.network.ports["198.51.100.1", 8443] = other.port
    other.blobs, other.tags = town.server.blobs, town.server.tags
    town.server.rules = [
        lambda one: (
            Reply(307, {"Location": f"https://registry.test:8443{one.path}"}) if "/blobs/" in one.path else None
        ),
        asks_for(bearer("https://registry.test/token"), "Bearer canary-token"),
        gives_token(),
    ]
    town.resolve()
    assert [one.authorization for one in other.seen] == [None]


@pytest.mark.parametrize("challenge", ['Basic realm="x"', bearer("https://evil.test/token")])
def test_login_that_a_storage_asks_for_is_not_given(town: Town, logged_in: Callable[..., None], challenge: str) -> None:
    logged_in("registry.test")
    evil = town.secure("evil.test", "198.51.100.66")
    evil.rules = [lambda _: Reply(401, {"WWW-Authenticate": challenge})]
    town.server.rules = [
        asks_for('Basic realm="x"', BASIC),
        lambda one: Reply(307, {"Location": f"https://evil.test{one.path}"}) if one.method == "GET" else None,
    ]
    assert "sends us to evil.test, which answers 401" in town.refusal().message
    assert [one.authorization for one in evil.seen] == [None], "nor is a second request made of it"


def test_declared_token_server_without_tls_gets_no_login(
    scripted: ScriptedRegistry, network: Network, logged_in: Callable[..., None]
) -> None:
    logged_in("registry.test")
    network.place("registry.test", "198.51.100.1", scripted, port=80)
    network.place("auth.test", "198.51.100.2", scripted, port=80)
    scripted.rules = [asks_for(bearer("http://auth.test/token"), "Bearer never"), gives_token()]
    settings = {"registry.test": RegistrySettings(insecure=True, auth="auth.test")}
    with pytest.raises(RegistryUnreachable):
        DistributionRegistry(Path(), settings, limits=QUICK).resolve(IMAGE, "v1")
    assert [one.authorization for one in scripted.seen if one.path == "/token"] == [None]


def test_local_registry_may_have_a_local_token_server(
    scripted: ScriptedRegistry, logged_in: Callable[..., None]
) -> None:
    logged_in(scripted.host)
    content = multi()
    scripted.store("shop/api", "v1", content)
    scripted.rules = [
        asks_for(bearer(f"http://localhost:{scripted.port}/token"), "Bearer canary-token"),
        gives_token(),
    ]
    registry = DistributionRegistry(Path(), {}, limits=QUICK)
    assert registry.resolve(Image(name="api", repository=f"{scripted.host}/shop/api"), "v1").digest == content.top
    assert [one.authorization for one in scripted.seen if one.path == "/token"] == [BASIC]
