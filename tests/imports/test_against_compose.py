"""The samples, read by us and by Docker Compose: the same project comes out.

Not compared, as Compose fills in what an import leaves to the engine: a network or volume's own name, a secret's usual
target, `disable: false`.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from releaser.model.errors import InvalidDeclarations
from tests.conftest import unavailable
from tests.imports.against_compose import ComposeRefused, differences, ours, theirs
from tests.imports.samples import SAMPLES, Sample

pytestmark = pytest.mark.engines


@pytest.fixture(autouse=True)
def _compose() -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode
    ):
        unavailable("there is no docker compose")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("profiles", [(), ("*",)], ids=["usual", "all profiles"])
def test_samples(sample: Sample, profiles: tuple[str, ...], tmp_path: Path) -> None:
    root = sample.copy(tmp_path / sample.name)
    files = [root / name for name in (sample.file, *sample.overrides)]

    assert same(root, *files, environ=sample.environ, profiles=profiles) == []


def same(root: Path, *files: Path, **how: Any) -> list[str]:
    return differences(ours(root, *files, **how), theirs(root, *files, **how))


SCALARS = [
    "0777",
    "08",
    "1_000",
    "0x1F",
    "0b11",
    "0o17",
    "yes",
    "NO",
    "On",
    "true",
    "True",
    "~x",
    "1e21",
    "1e-5",
    "0.0001",
    "12345678901234567890",
    "123456789012345678901",
    "-0o17",
    "1__0",
    "22:22",
    "+5",
    "5.",
    ".5",
    "1e+06",
    "-0777",
    "100000000000000000000000.5",
    "0.1e1",
    "017_7",
    "007_7",
    "1.10",
    "1000000.0",
    "1234567.5",
    "123456.5",
    "-0",
    "-0.0",
    "0_x",
    "_1",
    "1_",
    "1e",
    "0b",
    "0o",
    "0b12",
    "089",
    ".e1",
    "1.1.1",
    ".1_0",
    "1e1_0",
    "2001-01-01",
    "2001-1-1",
    "2001-13-01",
    "12e03",
    "1E400",
    "0x",
    "0.0",
    "00",
    "-00.5",
    "+.5",
    "a_1",
]


def test_scalars(tmp_path: Path) -> None:
    lines = "".join(f"      V{number}: {text}\n" for number, text in enumerate(SCALARS))
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  a:\n    image: x\n    environment:\n{lines}    labels:\n{lines}")

    assert same(tmp_path, file) == []


TEMPLATES = [
    "$A", "${A}", "$$A", "$${A}", "a$", "$1", "$ A", "${EMPTY}", "${EMPTY:-d}", "${EMPTY-d}", "${NONE:-d}", "${NONE-d}",
    "${NONE:-${A}}", "${NONE:-${NONE2:-${A}}x}y", "${A:-${NONE}}", "${A:+set}", "${NONE:+set}", "${EMPTY:+set}",
    "${EMPTY+set}", "${A:?no}", "${A:-}}", "${NONE:-a-b}", "${NONE:-a:-b}", "${NONE-:?x}", "x${A}y${A}z", "${NONE:-$A}",
    "${NONE:-$$A}", "${A:+${NONE:-in}}", "${NONE:-{a}}", "$A$A", "$A-${A}", "${NONE:-a b}", "$$$A", "$$$$A", "${a}",
]  # fmt: skip
REFUSED = ["${}", "${1}", "${A B}", "${A:}", "${A", "${A!}", "${NONE:?say}", "${EMPTY:?say}", "${NONE?say}", "${-x}"]


def test_templates(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=one\nEMPTY=\n")
    lines = "".join(f"      V{number}: '{text}'\n" for number, text in enumerate(TEMPLATES))
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  a:\n    image: x\n    environment:\n{lines}")

    assert same(tmp_path, file) == []


@pytest.mark.parametrize("template", [text for text in REFUSED if "?" not in text])
def test_refused_templates(template: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  a:\n    image: x\n    environment:\n      V: '{template}'\n")

    with pytest.raises(ComposeRefused):
        theirs(tmp_path, file)
    with pytest.raises(InvalidDeclarations):
        ours(tmp_path, file)


DOTENV = r"""
# a comment
PLAIN=value
SPACED =  around it  
COMMENTED=value # not this
HASH=a#b
SINGLE='as $it is # here'
DOUBLE="$PLAIN and ${PLAIN:-x}\ttab \"quoted\" \$kept # here"   # a comment
MANY="one
two"
export EXPORTED=yes
COLON: value
EMPTY=
QUOTED_EMPTY=""
ESCAPED='it\'s'
OCTAL="\0101"
BACKSLASH=C:\path\n
LATER=${PLAIN}${LATER_STILL}
LATER_STILL=z
DOTTED.KEY-1=x
UMLAUT=ü
"""  # noqa: W291 - the space is the case


def test_env_files(tmp_path: Path) -> None:
    (tmp_path / "vars.env").write_text(DOTENV)
    (tmp_path / ".env").write_text("PLAIN=outside\n")
    file = tmp_path / "compose.yaml"
    file.write_text("services: {a: {image: x, env_file: vars.env, environment: {EMPTY: own, PLAIN: }}}\n")

    assert same(tmp_path, file) == []


MERGED = """\
services:
  a:
    image: x
    command: [a, b]
    environment: [A=1, B=2, C]
    labels: {one: 1, two: 2}
    ports: ["80:80", "81:81/udp", {target: 9}]
    volumes: ["vol:/v", "./x:/x"]
    expose: [1, 2]
    dns: 1.1.1.1
    cap_add: [SYS_TIME]
    devices: ["/dev/a:/dev/x"]
    env_file: a.env
    depends_on: [b]
    networks: [n]
    extra_hosts: ["h:1.1.1.1"]
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}
    logging: {driver: local, options: {max-size: 1m}}
    healthcheck: {test: [CMD, a], retries: 2}
    tmpfs: /a
    sysctls: {net.core.somaxconn: 1}
    deploy: {replicas: 1, labels: [x=1]}
    secrets: [s]
    configs: [{source: c, target: /c}]
  b: {image: y}
networks: {n: {ipam: {config: [{subnet: 10.1.0.0/16}]}}, m: {}}
volumes: {vol: {labels: [a=1]}, other: {}}
secrets: {s: {file: ./s}, t: {file: ./t}}
configs: {c: {file: ./c}, d: {file: ./d}}
"""
ABOVE = """\
services:
  a:
    command: c d
    environment: {B: 3, D: 4, C: given}
    labels: [two=3, three]
    ports: ["80:80", "82:81/udp", "127.0.0.1:80:80"]
    volumes: ["other:/v:ro", {type: bind, source: ./y, target: /y}]
    expose: [2, 3]
    dns: [2.2.2.2, 1.1.1.1]
    cap_add: [SYS_TIME, SYS_NICE]
    devices: ["/dev/b:/dev/x", "/dev/c"]
    env_file: [{path: b.env, required: false}]
    depends_on: {b: {condition: service_healthy}}
    networks: {n: {aliases: [z]}, m: }
    extra_hosts: {g: 2.2.2.2}
    ulimits: {nofile: 5}
    logging: {options: {max-file: "2"}}
    healthcheck: {test: b, interval: 5s}
    tmpfs: [/b]
    sysctls: [net.core.somaxconn=2]
    deploy: {replicas: 2, labels: {y: 2}}
    secrets: [t]
    configs: [{source: d, target: /c}]
networks: {n: {internal: true, ipam: {config: [{subnet: 10.2.0.0/16}]}}}
volumes: {vol: {labels: {b: 2}}}
"""


def test_merging(tmp_path: Path) -> None:
    for name in "stcd":
        (tmp_path / name).write_text("x")
    (tmp_path / "a.env").write_text("FROM_A=1\nB=file\n")
    below, above = tmp_path / "compose.yaml", tmp_path / "above.yaml"
    below.write_text(MERGED)
    above.write_text(ABOVE)

    assert same(tmp_path, below) == []
    assert same(tmp_path, below, above, environ={"C": "outside"}) == []


@pytest.mark.parametrize(
    "above",
    [
        "services: {a: {ports: !reset []}}",
        "services: {a: {ports: !override ['90:90']}}",
        "services: {a: {labels: {one: !reset null}, healthcheck: !override {test: [CMD, z]}}}",
        "services: {a: {deploy: {replicas: !reset null}, logging: {driver: journald, options: {tag: t}}}}",
        "services: {a: {depends_on: !override [], networks: !override [m]}}",
        "services: {b: !reset null, a: {depends_on: !reset []}}",
        "services: {a: {command: null, entrypoint: [e]}}",
    ],
)
def test_resets_and_overrides(above: str, tmp_path: Path) -> None:
    for name in "stcd":
        (tmp_path / name).write_text("x")
    (tmp_path / "a.env").write_text("FROM_A=1\n")
    (tmp_path / "compose.yaml").write_text(MERGED)
    (tmp_path / "above.yaml").write_text(above)

    assert same(tmp_path, tmp_path / "compose.yaml", tmp_path / "above.yaml") == []


PORTS = [
    "3000", "3000-3002", "8000:80", "8000-8002:80-82", "127.0.0.1:80:80", "127.0.0.1::80", "[::1]:80:80", "53:53/udp",
    "9090-9091:8080-8081", "127.0.0.1:5000-5002:5000-5002", "6060:6060/UDP", ":81", "12400-12500:1240",
]  # fmt: skip
MOUNTS = [
    "/anonymous", "vol:/a", "vol:/b:ro", "vol:/c:rw,nocopy", "./r:/d", "/abs:/e:ro,z", "../up:/f", "~/home:/g",
    "./s:/h:rslave,Z",
    "./r/../t:/i", "vol:/j/../k", "vol:/m/", "c:/n", "vol2:/o:cached",
]  # fmt: skip


def test_short_forms(tmp_path: Path) -> None:
    ports = "".join(f"      - '{port}'\n" for port in PORTS)
    volumes = "".join(f"      - '{mount}'\n" for mount in MOUNTS)
    root = tmp_path / "deep" / "root"
    root.mkdir(parents=True)
    file = root / "compose.yaml"
    file.write_text(
        f"services:\n  a:\n    image: x\n    ports:\n{ports}    volumes:\n{volumes}volumes: {{vol: , vol2: }}\n"
    )

    told = same(root, file, environ={"HOME": os.environ.get("HOME", "/root")})

    assert told == []
