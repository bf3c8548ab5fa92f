"""Import, deliver, and the containers are what `docker compose up` makes of the same file: compared by inspection.

`tests.engines.docker.round_trip.NOT_COMPARED` says what is not.
"""

import json
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaser.engines.moby.client import Client
from tests.conftest import unavailable
from tests.engines.conftest import remove_all
from tests.engines.docker.round_trip import Place, comparable, composed, delivered
from tests.engines.images import Images
from tests.imports.against_compose import differences

pytestmark = pytest.mark.engines

SERVICES = """\
services:
  migrate:
    image: {repository}:{name}-done
    command: [sh, -c, "date > /data/migrated"]
    volumes: ["data:/data"]
  web:
    image: {repository}:{name}-serve
    healthcheck: {{test: "wget -q -O - http://127.0.0.1:8080/", interval: 500ms, timeout: 2s, retries: 99}}
    scale: 2
    links: ["side:other"]
    annotations: {{note: x}}
    labels: ["kept=1", "count=010"]
    depends_on: [side]
  api:
    image: {repository}:{name}-sleep
    entrypoint: /bin/sh -c
    command: ["exec sleep 1000000"]
    environment:
      NUMBER: 1.10
      WORD: yes
      TEXT: "a $$b ${{WORD:-usual}}"
      DB_PASSWORD: ${{DB_PASSWORD}}
      URL: postgres://shop:${{DB_PASSWORD}}@db/shop
      PASSED:
    env_file: vars.env
    ports: ["127.0.0.1:{port}:8080", "9000", "9001/udp"]
    expose: ["7777", 7778]
    volumes:
      - data:/data:ro
      - kept:/kept
      - ./conf:/etc/conf:ro
      - ./made:/made
      - /anon
      - {{type: tmpfs, target: /scratch, tmpfs: {{size: 1m}}}}
    depends_on:
      migrate: {{condition: service_completed_successfully}}
      web: {{condition: service_healthy}}
    networks: {{front: {{aliases: [elsewhere]}}, default: }}
    restart: unless-stopped
    mem_limit: 64m
    mem_reservation: 32m
    cpus: 0.5
    pids_limit: 100
    user: "0:1000"
    working_dir: /tmp
    hostname: apihost
    domainname: example.test
    read_only: true
    tmpfs: ["/cache:size=1m"]
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    ulimits: {{nofile: {{soft: 100, hard: 200}}, nproc: 50}}
    sysctls: {{net.core.somaxconn: 512}}
    extra_hosts: ["legacy:10.0.0.1", "six=[::1]"]
    dns: 10.0.0.2
    dns_search: [a.test, b.test]
    dns_opt: ["use-vc"]
    logging: {{driver: json-file, options: {{max-size: 1m, max-file: "2"}}}}
    stop_signal: SIGINT
    stop_grace_period: 1s
    init: true
    shm_size: 8m
    group_add: ["44"]
    tty: true
    stdin_open: true
    oom_score_adj: 100
    ipc: private
    secrets: [token, {{source: token, target: /etc/again/token}}]
    configs: [{{source: rules, target: /etc/rules/rules.conf}}]
  side:
    image: {repository}:{name}-sleep
    container_name: {name}_side
    pid: host
    privileged: true
    devices: ["/dev/null:/dev/mynull:rw"]
    restart: on-failure:3
  alone:
    image: {repository}:{name}-sleep
    network_mode: none
    deploy:
      resources: {{limits: {{memory: 16m, cpus: "0.25"}}}}
      restart_policy: {{condition: on-failure, max_attempts: 2}}
    healthcheck: {{disable: true}}
  beside:
    image: {repository}:{name}-sleep
    network_mode: service:side
    command: sleep 1000000
    stop_grace_period: 1s
    profiles: [more]
volumes:
  data: {{labels: {{owner: shop}}}}
  kept: {{name: {name}-kept-data}}
networks:
  front: {{internal: true, labels: [zone=front]}}
secrets: {{token: {{file: ./token.txt}}}}
configs: {{rules: {{file: ./rules.conf}}}}
"""
NAMELESS = "it has no name in Compose, so its data stay where they are: a new volume is mounted at /anon"
FILES = {"/run/secrets/token": "a token\n", "/etc/again/token": "a token\n", "/etc/rules/rules.conf": "rule 1\n"}


@pytest.fixture
def place(client: Client, images: Images, project: str, tmp_path: Path) -> Iterator[Place]:
    """A project that Compose can run; what it makes is removed afterwards."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode
    ):
        unavailable("there is no docker compose")
    root = tmp_path / project
    root.mkdir()
    for tag, reference in (("sleep", images.sleep()), ("serve", images.serve()), ("done", images.done())):
        images.tag(reference, f"{project}-{tag}")
    text = SERVICES.format(repository=images.repository, name=project, port=_free_port())
    (root / "compose.yaml").write_text(text)
    (root / ".env").write_text("DB_PASSWORD=from-env\nPASSED=through\n")
    (root / "vars.env").write_text("FROM_FILE=1\nNUMBER=2\n")
    (root / "token.txt").write_text(FILES["/run/secrets/token"])
    (root / "rules.conf").write_text(FILES["/etc/rules/rules.conf"])
    (root / "conf").mkdir()
    (root / "conf" / "x").write_text("x")
    url = "postgres://shop:from-env@db/shop"
    made = Place(root=root, name=project, environ={"DB_PASSWORD": "from-env", "URL": url})
    yield made
    remove_all(client, project)  # what was delivered holds the volumes and networks of Compose
    made.compose("--profile", "more", "down", "--volumes", "--remove-orphans", "--timeout", "0")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def taken_over(place: Place, *words: str) -> None:
    """Import what Compose runs, and deliver it."""
    said = place.release("init", "--from", "compose.yaml", "-p", place.name, "--project", place.name, "--json", *words)
    document = json.loads(said)
    assert [one["why"] for one in document["left_out"] if not one["harmless"]] == [NAMELESS]
    assert document["refused"] == []
    _soon(place)
    place.release("validate")
    place.release(*shlex.split(document["create"])[1:])
    place.release("promote", "v1", "--to", "test1", "--adopt", "--yes")


def _soon(place: Place) -> None:
    """What nothing checks counts as ready soon."""
    with (place.root / "envs/base.yaml").open("a") as layer:
        layer.write("stable: 500ms\n")


def test_what_compose_runs_is_taken_over_and_the_same(client: Client, place: Place) -> None:
    place.compose("--profile", "more", "up", "--detach", "--quiet-pull")
    before = composed(client, place.name)
    place.inside(before["api", 1]["Id"], "sh", "-c", "echo mine > /kept/mine")

    taken_over(place, "--profile", "more")

    after = delivered(client, place.name)
    assert set(after) == set(before)
    for key, one in sorted(before.items()):
        ours, theirs = (comparable(made, FILES, frozenset({"other"})) for made in (after[key], one))
        assert differences(ours, theirs) == [], key
    api, web = after["api", 1]["Id"], after["web", 1]["Id"]
    for path, content in FILES.items():
        assert place.inside(api, "cat", path).strip() == content.strip()
    assert place.inside(web, "nslookup", "other")
    assert place.inside(api, "cat", "/kept/mine") == "mine\n"
    volumes = {one["Name"] for one in client.call("GET", "/volumes")["Volumes"]}
    assert not {f"{place.name}-test1_data", f"{place.name}-test1_kept"} & volumes
    place.release("drift", "--env", "test1", "--exit-code")
    place.release("plan", "v1", "--to", "test1", "--exit-code")


def test_a_project_that_compose_does_not_run(client: Client, place: Place) -> None:
    said = place.release("init", "--from", "compose.yaml", "--project", place.name, "--fresh", "--json")
    _soon(place)
    place.release(*shlex.split(json.loads(said)["create"])[1:])

    place.release("promote", "v1", "--to", "test1", "--yes")

    after = delivered(client, place.name)
    assert all(one["State"]["Running"] or one["State"]["ExitCode"] == 0 for one in after.values())
    names = {one["Name"] for one in client.call("GET", "/volumes")["Volumes"]}
    assert {f"{place.name}-test1_data", f"{place.name}-test1_kept"} <= names
    assert f"{place.name}_data" not in names
