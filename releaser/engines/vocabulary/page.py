"""docs/compose.md: the table of words as a page, with what a reader needs to know before it."""

from collections.abc import Iterator, Mapping, Sequence

from releaser.engines import vocabulary
from releaser.engines.vocabulary.cells import SAME, Cell, Row

RELEASES: Mapping[str, str] = {"1.42": "23", "1.43": "24", "1.44": "25", "1.45": "26"}
"""API version → the Docker release that brought it."""

_HEAD = """\
# The Compose vocabulary

Made from the code by `make schemas`: from the table that refusals are made from too.

`services` are declared in the words of the [Compose Specification](https://github.com/compose-spec/compose-spec), but
what it writes as a list of named things is a map here, so that a layer can change one of them:

| Compose | here |
|---|---|
| `ports: ["8000:80"]` | `ports: {http: {target: 80, published: 8000}}` |
| `expose: ["9090"]` | `ports: {metrics: {target: 9090}}`, or `expose` as it is |
| `volumes: ["data:/var/lib/data"]` | `volumes: {data: {target: /var/lib/data}}` |
| `volumes: ["./conf:/etc/app:ro"]` | `{conf: {type: bind, source: ./conf, target: /etc/app, read_only: true}}` |
| `configs: [app]`, `secrets: [db]` | `configs: {app: {}}`, `secrets: {db: {}}` |
| `networks: [front]` | `networks: {front: {}}` |
| `depends_on: [db]` | `depends_on: {db: {}}` |
| `environment: ["LEVEL=info"]` | `environment: {LEVEL: info}` |
| `image: repository:tag` | `image: NAME`, a name from `images` in envs/pipeline.yaml |
| `build`, `env_file`, `extends`, `profiles` | not here; the message says what to write |
| `mem_limit`, `cpus`, `pids_limit`, `scale` | below `deploy` |

An engine says what it cannot do when the plan is made, all of it at once, with file and line. A word without effect is
named in the plan; nothing is left out in silence.

## What holds on every engine
- **Names** begin with `PROJECT-ENVIRONMENT`, so that environments share an engine without meeting: a Swarm service is
  `shop-test1_api`, a container `shop-test1-api-r7-1` (7 is the revision, 1 the instance), a volume `shop-test1_data`, a
  network `shop-test1_front`. A declared `name:` is used as it is. In their networks services are called `api`.
- **A network with options** has eight digits of them in its name, as in `shop-test1_front-64474f35`: a change makes a
  new one, the services move over, and the old one goes.
- **Volumes hold data** and are never removed, whatever becomes of the environment. What is `external` must be there
  before: it is never made, changed or removed.
- **Without `networks`** a service joins `default`, which every environment has.
- **A port** without `published` is reachable from other services only; `published: auto` takes a free one.
- **A config or secret** is mounted at `/NAME` and `/run/secrets/NAME`; a relative `target` starts at `/` and at
  `/run/secrets`. A config is known by its content, so a change of it replaces the containers that mount it.
- **A relative path** of a bind is taken from the project's root on the machine that delivers; `~` is the home there.
- **A job** has `restart: "no"` and is awaited by another service with `condition: service_completed_successfully` (or
  says `deploy: {mode: replicated-job}`). It runs once for each release, before what awaits it, and is ready when it
  ends with 0. It does not run for a rollback, reconcile or restore, unless its `on` names them.
- **What somebody else owns**, such as the number of instances under an autoscaler, is listed in the environment's
  `ignore`: `[services.api.deploy.replicas]` is no drift, and a delivery keeps what it finds.
- **`replicas: 0`** is a service without tasks in a Swarm; plain Docker has nothing to show for it.

## What is refused wherever it stands
- Two things mounted at one target; `networks`, or a published port, beside a `network_mode` that has none.
- A health check that begins with something else than CMD, CMD-SHELL or NONE, or with a time below a millisecond.
- A soft limit above the hard one; a memory limit below 6M.
- What Docker would refuse only when a container starts, after another one has stopped for it: an open quote in a
  command; a signal, capability, limit or kernel parameter that Linux does not have; a name server that is no address; a
  folder in memory with unknown options; a host name of more than 64 characters.
- `on` at a service that is no job; waiting for the end of a service that is always started again.
- Plain Docker, with several instances: `container_name`, a fixed address, a published port that is not `auto`.
- Plain Docker: a config or secret below a folder in memory (`tmpfs`) or in what `volumes` mount; a secret directly in
  `/`, and a config there where the container is `read_only`: no volume can be put there.
- Swarm: options of `tmpfs` but for `size` and `mode`; options of `security_opt` but for `no-new-privileges`, `label`
  and an unconfined `seccomp` or `apparmor`; a port on every node with `endpoint_mode: dnsrr`; rollouts of a job.
- Swarm: names that are no part of a DNS name or have more than 63 characters (configs and secrets: 64); an empty
  config, or one of 1,024,000 bytes and more.

## The table
`directory` writes every word as it is, but for what its column says. `docker` and `swarm` show where the word goes in
the Docker Engine's API: in `POST /containers/create` (`HostConfig.…`) and in a service's specification (`TaskTemplate`
is left out: `ContainerSpec.…` is below it). API 1.41 (Docker 20.10) is the oldest that works; a word that needs a newer
one says so. `kubernetes` names the field of the object (docs/kubernetes.md says which objects there are). **no** is
refused, with what to write instead; *no effect* harms nothing.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(
        (
            *(_table(title, rows) for title, rows in vocabulary.GROUPS.items()),
            _table("`networks`", vocabulary.NETWORK),
            _table("`volumes`", vocabulary.VOLUME),
        )
    )


def _table(title: str, rows: Sequence[Row]) -> str:
    return f"\n### {title}\n| word | docker | swarm | kubernetes | directory |\n|---|---|---|---|---|\n" + "".join(
        _lines(rows)
    )


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        word = row.word.replace("*", "NAME") if not row.word.startswith("ipam") else row.word.replace(".*", "[]")
        directory = "" if row.directory == SAME else _cell(row.directory)
        yield f"| `{word}` | {_cell(row.docker)} | {_cell(row.swarm)} | {_cell(row.kubernetes)} | {directory} |\n"


def _cell(cell: Cell) -> str:
    if cell.idle:
        return f"*no effect*: {cell.idle}"
    text = cell.place + (f" (API {cell.needs}, Docker {RELEASES[cell.needs]})" if cell.needs else "")
    if not cell.refused:
        return text
    taken = " or ".join(f"`{value}`" for value in cell.taken)
    where = f"{taken}: {text}; " if text else f"{taken}; " if taken else ""
    return f"{where}{'else ' if taken else ''}**no**: {cell.refused}; {cell.instead}"
