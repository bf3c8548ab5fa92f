"""The client on a real engine: who it is, what it does when it dies and returns, archives and logs."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from releaser.engines.moby.client import Client, Refused
from releaser.model.errors import EngineUnreachable
from tests.engines.alone import EngineAlone
from tests.engines.images import Images
from tests.engines.moby import stub
from tests.engines.moby.test_reaching import Authority, Ssh

pytestmark = [pytest.mark.engines, pytest.mark.oldest]

Run = Callable[..., str]


@pytest.fixture
def made(client: Client, images: Images, project: str) -> Run:
    """`made(COMMAND, …)`: a container of its own, not started; gives its id."""

    def make(*command: str, **words: object) -> str:
        image = images.sleep()
        client.pull(image, None, print)
        body = {"Image": image, "Labels": {"releaser.project": project}, **words}
        if command:
            body["Cmd"] = list(command)
        return client.call("POST", "/containers/create", body=body)["Id"]

    return make


def test_who_it_is(client: Client, engine_host: str) -> None:
    own = json.loads(
        subprocess.run(
            ["docker", "-H", engine_host, "info", "-f", "{{json .}}"], capture_output=True, check=True, timeout=30
        ).stdout
    )
    assert (client.info()["ID"], client.info()["Swarm"]["NodeID"]) == (own["ID"], own["Swarm"]["NodeID"])
    assert client.api_version == {"26.1": "1.45", "20.10": "1.41"}[os.environ["RELEASER_TEST_ENGINE"].partition("-")[0]]
    assert client.place == engine_host


def test_the_engines_words(client: Client) -> None:
    with pytest.raises(Refused) as found:
        client.call("GET", "/containers/no-such-container/json")
    assert (found.value.status, found.value.message) == (404, "No such container: no-such-container")


def test_a_file_there_and_back(client: Client, made: Run) -> None:
    container = made()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("settings.ini")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"a = 1"))

    client.upload(f"/containers/{container}/archive", out.getvalue(), {"path": "/tmp"})

    back = client.download(f"/containers/{container}/archive", {"path": "/tmp/settings.ini"})
    with tarfile.open(fileobj=io.BytesIO(back)) as archive:
        assert archive.extractfile("settings.ini").read() == b"a = 1"
    with pytest.raises(Refused):
        client.upload(f"/containers/{container}/archive", b"no tar", {"path": "/nowhere"})


@pytest.mark.parametrize("tty", [False, True])
def test_the_last_lines_of_both_streams(client: Client, made: Run, tty: bool) -> None:
    script = "for i in 1 2 3 4; do echo line $i; done; printf '\\033[31mred\\033[0m\\033]0;title\\007\\n' >&2; exit 3"
    container = made("/bin/sh", "-c", script, Tty=tty)
    client.call("POST", f"/containers/{container}/start")
    client.call("POST", f"/containers/{container}/wait", timeout=30)

    # The engine reads the two streams side by side, so their order to each other is not said.
    every = client.logs(f"/containers/{container}/logs", tail=5).splitlines()
    assert sorted(every) == ["line 1", "line 2", "line 3", "line 4", "red"]
    assert client.logs(f"/containers/{container}/logs", tail=2).splitlines() == every[-2:]
    assert client.logs("/containers/no-such-container/logs") == ""


def test_the_engine_dies_and_returns(client: Client, made: Run, engine_alone: EngineAlone) -> None:
    container = made()
    everything = {"params": {"all": True}}
    assert client.call("GET", "/containers/json", **everything)

    engine_alone.kill()
    with pytest.raises(EngineUnreachable) as found:
        client.call("GET", "/containers/json", **everything)
    assert client.place in found.value.message
    assert found.value.hint

    engine_alone.start()
    assert container in {one["Id"] for one in client.call("GET", "/containers/json", **everything)}
    client.call("POST", f"/containers/{container}/start")


def test_with_tls(engine_host: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.certificates("own", client=True)
    with stub.forwarded(engine_host, authority.server(asks=True)) as port:
        client = Client(f"tcp://127.0.0.1:{port}", environ={"DOCKER_CERT_PATH": str(own)})
        assert client.info()["ID"] == Client(engine_host).info()["ID"]
        client.close()


def over_ssh(environ: dict[str, str], address: str) -> Client:
    return Client(address, environ={**os.environ, **environ})


def test_through_a_program_ssh(engine_host: str, tmp_path: Path, made: Run) -> None:
    """One that runs the remote command here, as the shell of the other side would."""
    environ = Ssh(tmp_path).does('for last; do :; done; exec sh -c "$last"')
    client = over_ssh({**environ, "DOCKER_HOST": engine_host}, "ssh://me@far.test")
    run_far_away(client, made)
    client.close()


def run_far_away(client: Client, made: Run) -> None:
    container = made("/bin/sh", "-c", "echo far away")
    assert container in {one["Id"] for one in client.call("GET", "/containers/json", params={"all": True})}
    client.call("POST", f"/containers/{container}/start")
    assert client.call("POST", f"/containers/{container}/wait", timeout=30)["StatusCode"] == 0
    assert client.logs(f"/containers/{container}/logs") == "far away"
    pulled = client.pull(client.call("GET", f"/containers/{container}/json")["Config"]["Image"], None, print)
    assert pulled["Os"] == "linux"


class TestOpenSsh:
    @pytest.fixture
    def environ(self, require: Callable[[str], str]) -> dict[str, str]:
        return {"PATH": f"{require('RELEASER_TEST_SSH_PATH')}:{os.environ['PATH']}"}

    def test_there_and_back(self, require: Callable[[str], str], environ: dict[str, str], made: Run) -> None:
        client = over_ssh(environ, require("RELEASER_TEST_SSH"))
        run_far_away(client, made)
        assert len(client.each([lambda: client.call("GET", "/version")] * 12)) == 12
        client.close()

    def test_a_socket_that_is_named(self, require: Callable[[str], str], environ: dict[str, str]) -> None:
        client = over_ssh(environ, require("RELEASER_TEST_SSH") + "/var/run/docker.sock")
        assert client.info()["ID"]
        client.close()

    @pytest.mark.parametrize(
        ("change", "said", "hint"),
        [
            (("127.0.0.1", "localhost"), "Host key verification failed", "compare the key: ssh -p "),
            (("root", "nosuchuser"), "Permission denied", "work without a question, with a key or an agent"),
        ],
    )
    def test_what_it_says(
        self,
        require: Callable[[str], str],
        environ: dict[str, str],
        change: tuple[str, str],
        said: str,
        hint: str,
    ) -> None:
        address = require("RELEASER_TEST_SSH").replace(*change)
        with pytest.raises(EngineUnreachable, match=said) as found:
            over_ssh(environ, address).info()
        assert hint in str(found.value.hint)

    def test_nobody_listens(self, environ: dict[str, str]) -> None:
        with pytest.raises(EngineUnreachable, match="Connection refused") as found:
            over_ssh(environ, "ssh://root@127.0.0.1:1").info()
        assert found.value.hint == "see whether it works by hand: ssh -p 1 root@127.0.0.1 docker info"
