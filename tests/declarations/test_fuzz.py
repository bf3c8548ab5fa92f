"""Whatever is written into the files: an answer, or problems that say where, and never anything else."""

import os
import random
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.declarations import yaml12, yaml_events
from releaser.declarations.loader import ProjectDeclarations
from releaser.model.errors import InvalidDeclarations
from releaser.model.tree import plain
from tests.contracts.declarations_samples import LAYER, PIPELINE

PIECES = st.sampled_from(
    [
        "a", "b: ", "- ", "? ", ": ", "{", "}", "[", "]", ", ", "\n", "\n  ", "\t", "&x ", "*x", "!t ", "|\n", ">-\n",
        "'", '"', "#", "---\n", "...\n", "%", "@", "`", "\\", "\\u0041", "null", "~", "0x1", "012", "1e5", ".inf",
        "<<: *x", "ü", "\U0001f600", "\r\n", "\x85", "\x00", "$append: ", "${x}", "services: ", "a: &x [*x]",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "100"))


def read(text: str | bytes) -> None:
    node, problems = yaml12.read(text, "envs/f.yaml")
    assert node is not None or problems
    for problem in problems:
        assert problem.hint
        assert problem.locations[0].file == "envs/f.yaml"
        assert problem.locations[0].line >= 1
        assert problem.locations[0].column >= 1
    if node is not None:
        plain(node)


@pytest.mark.parametrize("events", [yaml_events.EVENTS, yaml_events.PureEvents], ids=["libyaml", "pure"])
def test_any_text(events: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_events, "EVENTS", events)

    @given(TEXTS)
    def check(text: str) -> None:
        read(text)

    check()


@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    read(data)


@given(TEXTS)
def test_both_parsers_agree_on_what_is_a_document(text: str) -> None:
    fast, _ = yaml12.read(text, "f.yaml")
    fastest = yaml_events.EVENTS
    yaml_events.EVENTS = yaml_events.PureEvents
    try:
        pure, _ = yaml12.read(text, "f.yaml")
    finally:
        yaml_events.EVENTS = fastest

    if fast is not None and pure is not None:
        assert plain(fast) == plain(pure)


def mutated(text: str, chance: random.Random) -> str:
    """The text with a few characters or lines changed."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        kind = chance.randrange(5)
        if kind == 0:
            text = text[:at] + text[at + chance.randint(1, 20) :]
        elif kind == 1:
            text = text[:at] + chance.choice("{}[],:&*!|>'\"#%@`\\\t\n\0$- ü") + text[at:]
        elif kind == 2:
            lines = text.split("\n")
            lines.insert(chance.randrange(len(lines)), chance.choice(lines))
            text = "\n".join(lines)
        elif kind == 3:
            text = text.replace(
                chance.choice(["api", "image", ": ", "1", "true", "from"]), chance.choice(["", "x", "[", "null"]), 1
            )
        else:
            text = (
                text[:at] + chance.choice(["null", "~", "[]", "{}", "${x}", "$append", "1e9", "&a ", "*a "]) + text[at:]
            )
        if not text:
            return "x"
    return text


def test_documents_with_a_few_wrong_characters() -> None:
    """FUZZ_ROUNDS=100000 makes a long run of it; the seed is in the message of a failure."""
    seed = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "envs").mkdir()
        (root / "envs/settings.json").write_text("{}")
        for number in range(ROUNDS):
            wrong = chance.choice(["pipeline", "base", "test1"])
            texts = {"pipeline": PIPELINE, "base": LAYER, "test": "{}", "test1": "wait: 3m\n"}
            texts[wrong] = mutated(texts[wrong], chance)
            for name, text in texts.items():
                (root / f"envs/{name}.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
            began = time.process_time()
            try:
                one_round(root)
            except Exception as error:
                raise AssertionError(f"FUZZ_SEED={seed}, round {number}, {wrong}:\n{texts[wrong]}") from error
            assert time.process_time() - began < 5, f"FUZZ_SEED={seed}, round {number}: too slow"


def one_round(root: Path) -> None:
    declarations = ProjectDeclarations(root)
    problems = declarations.problems()
    for problem in problems:
        assert problem.hint, problem
        assert problem.locations, problem
        lines = (root / problem.locations[0].file).read_text(errors="replace").count("\n") + 1
        assert 1 <= problem.locations[0].line <= lines + 1
    try:
        environment = declarations.environment("test1")
    except InvalidDeclarations:
        assert problems
    except Exception as error:
        if type(error).__name__ != "UnknownName":
            raise
    else:
        for path in (("services",), ("services", "api", "environment", "TTL"), ("engine", "kind")):
            environment.origins.locate(path)
            environment.origins.chain(path)


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(["../", "..", "/", "etc", "passwd", "a", ".", "\\", "%2e%2e", "~", "x" * 300]), max_size=6)
)
def test_any_path_of_a_mounted_file(parts: list[str]) -> None:
    path = "".join(parts) or "x"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        (root / "envs").mkdir(parents=True)
        (root.parent / "a").write_text("canary")
        (root / "envs/pipeline.yaml").write_text("project: p\nenvironments: {test1: {}}\n")
        (root / "envs/test1.yaml").write_text(f"configs: {{c: {{file: '{path}'}}}}\n")

        (problem,) = ProjectDeclarations(root).problems()

        assert "canary" not in problem.message
        assert str(problem.locations[0]) == "envs/test1.yaml:1:21"
