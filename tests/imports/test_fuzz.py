"""Whatever stands in a Compose file: declarations, or problems that a person can mend; never a traceback."""

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.declarations.loader import ProjectDeclarations
from releaser.imports.declaring import Wishes, declare
from releaser.imports.project import Request, read
from releaser.model.errors import BadArgument, Invalid, InvalidDeclarations
from tests.imports.samples import SAMPLES, Sample

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "25"))
WORDS = [
    "services", "image", "build", "environment", "env_file", "ports", "volumes", "networks", "depends_on", "deploy",
    "resources", "limits", "healthcheck", "test", "secrets", "configs", "extends", "include", "file", "service",
    "command",
    "profiles", "links", "labels", "ulimits", "logging", "options", "driver", "external", "name", "content", "source",
    "target", "type", "tmpfs", "bind", "extra_hosts", "dns", "devices", "scale", "cpus", "mem_limit", "network_mode",
    "a",
    "b", "<<", "x-a", "aliases", "ipam", "config", "subnet", "published", "mode", "label_file", "volumes_from",
    "restart",
]  # fmt: skip
TEXTS = st.sampled_from(
    ["", "a", "b", "a:b", "80:80", "1-2:3-4", "a=b", "=", ":", "${A}", "${A:-b}", "${A:?no}", "$", "${", "./a:/b", "/a",
     "~/x:/y:ro", "service:a", "host", "yes", "1.5", "-1", "0440", "1m30s", "64m", "compose.yaml", ".env", "*", "a b",
     "sha256:0", "x@sha256:" + "0" * 64, "\u2028", "ü"]
)  # fmt: skip
VALUES = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-5, 99999), st.floats(allow_nan=False, allow_infinity=False)
)
TREES = st.recursive(
    VALUES,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from(WORDS), below, max_size=5)),
    max_leaves=25,
)
SERVICES = st.dictionaries(
    st.sampled_from(["a", "b", "-", "web"]),
    st.fixed_dictionaries({"image": TEXTS}, optional={word: TREES for word in WORDS if word != "image"}),
    min_size=1,
    max_size=3,
)  # fmt: skip


def imported(root: Path, *files: Path, **how: Any) -> None:
    """Import; what is written is valid as it is."""
    refused: Invalid | None = None
    try:
        project = read(Request(root=root, source=files[0], overrides=files[1:], profiles=("*",), **how))
        found = declare(project, Wishes(project="fuzz", environments=("test1", "staging")))
    except (InvalidDeclarations, BadArgument) as error:
        refused = error
    if refused is not None:
        assert all(problem.message and problem.hint for problem in refused.problems)
        return
    if found.undecided:
        return
    for name, text in found.files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    assert ProjectDeclarations(root).problems() == ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to write into, again and again."""
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=100)
@given(tree=TREES)
def test_any_tree(folder: Path, tree: Any) -> None:
    (folder / "compose.yaml").write_text(_flow(tree))
    imported(folder, folder / "compose.yaml")


@settings(max_examples=100)
@given(services=SERVICES, more=st.dictionaries(st.sampled_from(WORDS), TREES, max_size=4))
def test_any_services(folder: Path, services: Any, more: Any) -> None:
    (folder / "compose.yaml").write_text(_flow({**more, "services": services}))
    imported(folder, folder / "compose.yaml")


@settings(max_examples=80)
@given(below=SERVICES, above=st.dictionaries(st.sampled_from(["services", "volumes", "networks"]), TREES, max_size=3))
def test_any_override(folder: Path, below: Any, above: Any) -> None:
    (folder / "compose.yaml").write_text(_flow({"services": below}))
    (folder / "above.yaml").write_text(_flow(above))
    imported(folder, folder / "compose.yaml", folder / "above.yaml")


def _flow(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(_flow, tree)) + "]"
    if isinstance(tree, str):
        return "'" + tree.replace("'", "''") + "'"
    return "null" if tree is None else str(tree).lower()


def mutated(text: str, chance: random.Random) -> str:
    """The text with a few characters or lines changed."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(6)
        if kind == 0:
            del lines[at : at + chance.randint(1, 3)]
        elif kind == 1:
            cut = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + chance.choice("{}[],:&*!|>'\"#%@`\\\t$- ü?<~") + lines[at][cut:]
        elif kind == 2:
            lines[at] = lines[at] + chance.choice(["", " null", " []", " {}", " - x", ": 1", " ${A:?}", " !reset null"])
        elif kind == 3:
            lines.insert(at, chance.choice(lines))
        elif kind == 4:
            lines[at] = "  " + lines[at]
        else:
            lines[at] = lines[at].replace(":", "", 1)
        lines = lines or [""]
    return "\n".join(lines)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_mutated_samples(sample: Sample, tmp_path: Path) -> None:
    root = sample.copy(tmp_path / sample.name)
    files = [root / name for name in (sample.file, *sample.overrides)]
    original = files[0].read_text()
    chance = random.Random(sample.name)
    for _ in range(ROUNDS):
        files[0].write_text(mutated(original, chance))
        imported(root, *files)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]", "a: &a {b: *a}", "&a a: *a", "services: &s {a: *s}", "? {a: b}\n: c", "- a", "a", "",
        "---\n---\n",
        "services: {a: {image: x}}\n---\nservices: {a: {image: y}, b: {image: z}}", "services:\n  a: {<<: 5, image: x}",
        "a: !!binary x", "services: {a: {image: !!str 5}}", "%YAML 1.2\n---\na: b", "services: {a: !reset {image: x}}",
        "a: &x [" + "*x," * 3 + "]", "services: {'a': {image: 'x', environment: {'': b, '=': c}}}",
        "\ufeffservices: {}",
        "services: {a: {image: x, ports: ['" + "9" * 5000 + "']}}", "x: " + "[" * 100 + "]" * 100,
    ],
)  # fmt: skip
def test_odd_files(text: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    imported(tmp_path, tmp_path / "compose.yaml")


def test_aliases_that_explode_are_refused_fast(tmp_path: Path) -> None:
    lines = ["x0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (tmp_path / "compose.yaml").write_text("\n".join(lines))
    begun = time.monotonic()

    with pytest.raises(InvalidDeclarations, match="aliases included"):
        read(Request(root=tmp_path, source=tmp_path / "compose.yaml"))

    assert time.monotonic() - begun < 5


@given(data=st.binary(max_size=200))
def test_any_bytes(folder: Path, data: bytes) -> None:
    (folder / "compose.yaml").write_bytes(data)
    imported(folder, folder / "compose.yaml")


@settings(max_examples=100)
@given(data=st.one_of(st.binary(max_size=80), st.text("ABab=:'\"$ {}\n#\\-.", max_size=60).map(str.encode)))
def test_any_env_file(folder: Path, data: bytes) -> None:
    (folder / "compose.yaml").write_text(
        "services: {a: {image: x, env_file: [vars.env, {path: vars.env, format: raw}]}}"
    )
    (folder / "vars.env").write_bytes(data)
    imported(folder, folder / "compose.yaml")
