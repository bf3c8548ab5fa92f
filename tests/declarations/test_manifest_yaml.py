"""What a manifest's YAML means: as kubectl reads it, or refused."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations import manifest_yaml
from releaser.model.errors import Problem
from releaser.model.tree import plain


def read(text: str | bytes) -> tuple[list[Any], tuple[Problem, ...]]:
    nodes, problems = manifest_yaml.read(text if isinstance(text, bytes) else text.encode(), "k8s/a.yaml")
    return [plain(node) for node in nodes], problems


def value(text: str) -> Any:
    (document,), problems = read(f"v: {text}")
    assert problems == ()
    return document.get("v")


SAME = {
    "0644": 420,
    "-0644": -420,
    "0o644": 420,
    "0x1F": 31,
    "1.0": 1,
    "1e3": 1000,
    ".5": 0.5,
    "0.": 0,
    "+1": 1,
    "2020-01-01": "2020-01-01",
    "22:30": "22:30",
    "1e400": "1e400",
    "9007199254740995": 9007199254740995,
    "true": True,
    '"yes"': "yes",
    "'0644'": "0644",
    "~": None,
    "null": None,
    "": None,
    "a b": "a b",
    "1.2.3": "1.2.3",
    "500m": "500m",
}
OTHERWISE = ["yes", "No", "on", "OFF", "y", "N", "08", "1_000", "0b11", "0xF_F", "0_7", "12345678901234567890", ".inf"]
KEYS = ["yes", "on", "y", "0644", "1.0", "True", "null", "0x10"]


@pytest.mark.parametrize("text", SAME)
def test_a_plain_scalar_is_what_kubectl_makes_of_it(text: str) -> None:
    found = value(text)
    assert (type(found), found) == (type(SAME[text]), SAME[text])


@pytest.mark.parametrize("text", OTHERWISE)
def test_what_kubectl_takes_for_something_else_is_refused(text: str) -> None:
    _, (problem,) = read(f"a: 1\nv: {text}")
    assert f"kubectl reads `{text}` otherwise" in problem.message
    assert str(problem.locations[0]) == "k8s/a.yaml:2:4"


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_kubectl_takes_for_another_is_refused(key: str) -> None:
    _, (problem,) = read(f"{key}: 1")
    assert problem.message == f"kubectl reads the key `{key}` as another one"
    assert read(f'"{key}": 1') == ([{key: 1}], ())


@pytest.mark.parametrize("key", ["8080", "true", "1.5", "a.b/c"])
def test_a_key_that_stays_as_it_is_is_taken(key: str) -> None:
    assert read(f"{key}: 1") == ([{key: 1}], ())


@pytest.mark.engines
def test_kubectl_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Any) -> None:
    monkeypatch.setenv("KUBECONFIG", require("RELEASER_TEST_KUBERNETES"))
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    lines = "".join(f"  k{index}: {text}\n" for index, text in enumerate(SAME))
    file = tmp_path / "x.yaml"
    file.write_text(f"{head}more:\n{lines}")
    command = ["kubectl", "create", "--dry-run=client", "--validate=false", "-o", "json", "-f", str(file)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    expected = {f"k{index}": wanted for index, wanted in enumerate(SAME.values()) if wanted is not None}
    assert {key: found for key, found in said["more"].items() if found is not None} == expected


def test_documents_of_a_file_and_empty_ones() -> None:
    text = "# none\n---\n---\na: 1\n...\n---\n# none\n---\nb: {c: null, d: }\n---\n"
    assert read(text) == ([{"a": 1}, {"b": {}}], ())


@pytest.mark.parametrize("text", ["", "---\n", "# only words\n", "---\n---\n...\n", "null\n"])
def test_a_file_of_nothing(text: str) -> None:
    assert read(text) == ([], ())


def test_a_byte_order_mark_and_windows_lines() -> None:
    assert read(b"\xef\xbb\xbfa: 1\r\nb:\r\n- 2\r\n---\r\nc: |\r\n  x\r\n  y\r\n") == (
        [{"a": 1, "b": [2]}, {"c": "x\ny\n"}],
        (),
    )


def test_json_with_tabs() -> None:
    assert read('{\n\t"a": [1, true, null_],\n\t"b": "x\\u00e9"\n}'.replace("null_", '"n"')) == (
        [{"a": [1, True, "n"], "b": "xé"}],
        (),
    )


REFUSED = {
    "a: 1\na: 2": "written twice",
    "a:\n\tb: 1": "a tab where spaces must stand",
    "a: &x {b: 1}\nc: {<<: *x}": "merge keys",
    "a: !!binary aGk=": "tag",
    "a: [1,\n-": "not YAML",
    "%YAML 1.1\n---\na: 1": "directive",
    "- 1\n- \n": "an element without a value",
    "a: *nobody": "stands for nothing",
    "a: &a [*a]": "holds itself",
    "? [1]\n: 2": "not a plain text",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_told_by_its_place(text: str) -> None:
    _, problems = read(text)
    assert any(REFUSED[text] in problem.message and problem.locations and problem.hint for problem in problems)


def test_anchors_stand_for_what_they_name_within_a_document() -> None:
    assert read("a: &x {b: 1}\nc: *x") == ([{"a": {"b": 1}, "c": {"b": 1}}], ())
    _, (problem,) = read("a: &x 1\n---\nc: *x")
    assert "stands for nothing" in problem.message


def test_ten_thousand_documents() -> None:
    nodes, problems = read("a: 1\n---\n" * 10_000)
    assert [problem.message for problem in problems] == ["more than 5000 documents"]
    assert len(nodes) <= 5_000


def test_a_billion_laughs() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    _, problems = read("\n".join(lines))
    assert any("more than 250000 values" in problem.message for problem in problems)


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000])
def test_deep(text: str) -> None:
    _, problems = read(text)
    assert problems


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%\n\t 0Oxy~<", max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    _, problems = read(text)
    assert all(problem.locations and problem.hint for problem in problems)
