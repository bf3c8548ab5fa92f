"""Layers on top of each other: what is there at the end, and what was in vain."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from releaser.contents import archive
from releaser.model.image_content import Entry, ImageContent
from releaser.planning import layers
from releaser.planning.image_difference import difference
from tests.contents.archives import Files, layer, saved


def image(*files: Files, name: str = "x", **words: Any) -> ImageContent:
    return archive.read(io.BytesIO(saved(*map(layer, files), **words)), name, files=True)


def test_what_a_layer_hides_is_of_those_below_it() -> None:
    content = image(
        {"a/one": b"1", "a/two": b"22", "b": b"333", "c/d/e": b"4444"},
        {"a/three": b"3", "a/.wh..wh..opq": b"", "b": b"5", ".wh.c": b""},
    )
    assert {path: entry.size for path, entry in layers.files(content).items()} == {"a/three": 1, "b": 1}
    report = layers.report(content)
    assert [(one.added, one.changed, one.removed, one.wasted) for one in report.layers] == [(4, 0, 0, 10), (1, 1, 3, 0)]
    assert (report.size, report.wasted, report.efficiency) == (12, 10, round(1 - 10 / 12, 4))
    assert [(one.path, one.size) for one in report.waste] == [("c/d/e", 4), ("b", 3), ("a/two", 2), ("a/one", 1)]
    assert [one.instruction for one in report.layers] == ["RUN step 0", "RUN step 1"]


def test_a_file_in_the_place_of_a_folder_and_back() -> None:
    content = image({"a/b": b"12"}, {"a": b"x"}, {"a/c": b"y"})
    assert set(layers.files(content)) == {"a/c"}
    assert layers.report(content).wasted == 3


def test_what_lies_very_deep_is_removed_too() -> None:
    entry = Entry(path="a/" * 3000 + "f", kind="file", mode=0o644, uid=0, gid=0, size=1)
    hides = replace(entry, path="a", kind="whiteout", size=0)
    content = image({"b": b"1"})
    below = tuple(replace(content.layers[0], entries=(one,)) for one in (entry, hides))
    assert layers.report(replace(content, layers=below)).wasted == 1


# --- hard links ---


def test_a_file_is_wasted_with_the_last_of_its_names() -> None:
    linked: Files = {"a": b"12345", "b": "a", "c": "./b"}
    assert layers.report(image(linked, {".wh.a": b""})).wasted == 0
    assert layers.report(image(linked, {"a": b"1", ".wh.b": b""})).wasted == 0
    several = layers.report(image(linked, {".wh.a": b"", ".wh.c": b""}, {"b": b"1"}))
    assert [one.wasted for one in several.layers] == [5, 0, 0]
    assert [(one.added, one.changed, one.removed) for one in several.layers] == [(3, 0, 0), (0, 0, 2), (0, 1, 0)]


def test_a_link_to_a_file_of_a_layer_below() -> None:
    assert layers.report(image({"a": b"12345"}, {"b": "a"}, {".wh.a": b""})).wasted == 0
    assert layers.report(image({"a": b"12345"}, {"b": "a"}, {".wh.a": b"", ".wh.b": b""})).layers[0].wasted == 5


def test_links_that_lead_nowhere() -> None:
    for files in ({"a": "a"}, {"a": "none", "b": "a"}, {"a": b"1", "b/c": b"2", "d": "b"}):
        content = image(files, {".wh.a": b""})
        assert difference(content, content).files == ()
        assert layers.report(content).wasted == len(b"1" if files["a"] == b"1" else b"")


def test_links_are_compared_as_the_file_that_they_lead_to() -> None:
    one, other = image({"lib/a": b"1234", "bin/b": "lib/a"}), image({"bin/b": b"1234", "lib/a": "bin/b"})
    found = difference(one, other)
    assert (found.files, found.folders, found.bytes) == ((), (), 0)
    found = difference(one, image({"lib/a": b"1234", "bin/b": "lib/a"}, {"lib/.wh.a": b""}))
    assert ([(change.path, change.what) for change in found.files], found.bytes) == ([("lib/a", "removed")], 0)
    found = difference(one, image({"lib/a": b"1234", "bin/b": b"1234"}))
    assert (found.files, found.bytes) == ((), 4)
    found = difference(one, image({"lib/a": b"12", "bin/b": "lib/a"}))
    assert [(change.path, change.old, change.new) for change in found.files] == [("bin/b", 4, 2), ("lib/a", 4, 2)]


NAMES = st.sampled_from(["a", "a/b", "a/b/c", "a/.wh.b", ".wh.a", "a/.wh..wh..opq", "d", ".wh.d", "e/f"])
CONTENTS = st.binary(max_size=3) | st.sampled_from(["a", "a/b", "a/b/c", "d", "e/f"])
LAYERS = st.lists(st.dictionaries(NAMES, CONTENTS, max_size=5), min_size=1, max_size=4)


@given(LAYERS)
def test_bytes_are_there_at_the_end_or_wasted(several: list[Files]) -> None:
    content = image(*several)
    report, there = layers.report(content), layers.files(content)
    assert report.size == report.wasted + sum(entry.size for entry in there.values())
    assert 0 <= report.efficiency <= 1
    assert not any(entry.kind in {"whiteout", "opaque"} for entry in there.values())


@given(LAYERS)
def test_an_image_differs_in_nothing_from_itself(several: list[Files]) -> None:
    found = difference(image(*several), image(*several))
    assert (found.config, found.packages, found.files, found.folders, found.bytes) == ((), (), (), (), 0)
    assert found.shared_layers == len(several)


@given(LAYERS, LAYERS)
def test_a_difference_is_the_same_from_the_other_side(one: list[Files], other: list[Files]) -> None:
    there, back = difference(image(*one), image(*other)), difference(image(*other), image(*one))
    assert [(change.path, change.old, change.new) for change in there.files] == [
        (change.path, change.new, change.old) for change in back.files
    ]
    assert there.bytes == -back.bytes


def test_what_two_images_differ_in() -> None:
    left = image(
        {"var/lib/dpkg/status": b"Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: gone\nVersion: 2\n"},
        {"app/x": b"1", "app/node_modules/@s/p/package.json": b'{"version": "1.0.0"}', "same": b"s"},
        User="1000",
        Env=["A=1", "B=2"],
        Cmd=["serve", "-v"],
    )
    right = image(
        {"var/lib/dpkg/status": b"Package: a\nStatus: hold ok installed\nVersion: 2\n"},
        {
            "app/x": b"22",
            "app/node_modules/@s/p/package.json": b'{"version": "1.1.0"}',
            "same": b"s",
            "usr/lib/python3/Some_Name-3.1.dist-info/METADATA": b"",
        },
        Env=["A=3"],
        Cmd=["serve"],
        Labels={"team": "shop"},
    )
    found = difference(left, right)
    assert [(one.field, one.old, one.new) for one in found.config] == [
        ("command", "serve -v", "serve"),
        ("environment.A", "1", "3"),
        ("environment.B", "2", None),
        ("labels.team", None, "shop"),
        ("user", "1000", None),
    ]
    assert [(one.system, one.name, one.old, one.new) for one in found.packages] == [
        ("dpkg", "a", "1", "2"),
        ("dpkg", "gone", "2", None),
        ("npm", "@s/p", "1.0.0", "1.1.0"),
        ("python", "some-name", None, "3.1"),
    ]
    assert [(one.path, one.what) for one in found.files] == [
        ("app/node_modules/@s/p/package.json", "content"),
        ("app/x", "content"),
        ("usr/lib/python3/Some_Name-3.1.dist-info/METADATA", "added"),
        ("var/lib/dpkg/status", "content"),
    ]
    assert found.shared_layers == 0


def test_apk_and_a_file_that_tells_nothing() -> None:
    old = image({"lib/apk/db/installed": b"P:musl\nV:1.2\n\nP:zlib\nV:1\n", "node_modules/x/package.json": b"[]"})
    new = image({"lib/apk/db/installed": b"P:musl\nV:1.3\n\nP:zlib\nV:1\n", "node_modules/x/package.json": b"{"})
    assert [(one.name, one.old, one.new) for one in difference(old, new).packages] == [("musl", "1.2", "1.3")]


def test_packages_of_which_the_configuration_alone_is_left() -> None:
    status = "Package: {}\nStatus: {}\nVersion: 1\n"
    states = (
        "install ok installed",
        "install ok triggers-pending",
        "deinstall ok config-files",
        "purge ok not-installed",
    )
    text = "\n".join(status.format(name, state) for name, state in zip("abcd", states, strict=True))
    whole = {"var/lib/dpkg/status": text.encode(), "var/lib/dpkg/status.d/e": b"Package: e\nVersion: 1\n"}
    found = difference(image({}), image(whole)).packages
    assert [one.name for one in found] == ["a", "b", "e"]


def test_a_package_that_is_nested_without_end() -> None:
    assert difference(image({}), image({"node_modules/x/package.json": b"[" * 100_000})).packages == ()


@pytest.mark.parametrize(
    ("word", "old", "new", "shown"),
    [
        ("Cmd", ["sh", "-c", "a b"], ["sh", "-c", "a", "b"], ("command", "sh -c 'a b'", "sh -c a b")),
        ("Entrypoint", [""], None, ("entrypoint", "''", None)),
        ("Shell", ["/bin/sh"], ["/bin/sh", "-c"], ("shell", "/bin/sh", "/bin/sh -c")),
        (
            "Healthcheck",
            {"Test": ["CMD", "x"], "Interval": 5},
            {"Test": ["NONE"], "Interval": 5},
            ("healthcheck", '{"Interval":5,"Test":["CMD","x"]}', '{"Interval":5,"Test":["NONE"]}'),
        ),
        ("OnBuild", None, ["RUN evil"], ("on_build", None, "'RUN evil'")),
        ("StopTimeout", None, 0, ("stop_timeout", None, "0")),
        ("Volumes", {"/b": {}, "/a": {}}, {"/a": {}}, ("volumes", "/a /b", "/a")),
        ("Volumes", {"/a": {}, "/b": {}}, {"/a /b": {}}, ("volumes", "/a /b", "'/a /b'")),
    ],
)
def test_words_are_compared_exactly(word: str, old: object, new: object, shown: tuple[str, ...]) -> None:
    found = difference(image(**{word: old}), image(**{word: new})).config
    assert [(one.field, one.old, one.new) for one in found] == [shown]


def test_the_same_in_another_order() -> None:
    one = image(ExposedPorts={"80/tcp": {}, "443/tcp": {}}, Healthcheck={"Test": ["NONE"], "Retries": 3})
    other = image(ExposedPorts={"443/tcp": {}, "80/tcp": {}}, Healthcheck={"Retries": 3, "Test": ["NONE"]})
    assert difference(one, other).config == ()
