"""Layers on top of each other: what is there at the end, and what was in vain."""

import io

from hypothesis import given
from hypothesis import strategies as st

from releaser.contents import archive
from releaser.model.image_content import ImageContent
from releaser.planning import layers
from releaser.planning.image_difference import difference
from tests.contents.archives import Files, layer, saved


def image(*files: Files, name: str = "x", **words: object) -> ImageContent:
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


NAMES = st.sampled_from(["a", "a/b", "a/b/c", "a/.wh.b", ".wh.a", "a/.wh..wh..opq", "d", ".wh.d", "e/f"])
LAYERS = st.lists(st.dictionaries(NAMES, st.binary(max_size=3), max_size=5), min_size=1, max_size=4)


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
        {"var/lib/dpkg/status": b"Package: a\nStatus: install\nVersion: 1\n\nPackage: gone\nVersion: 2\n"},
        {"app/x": b"1", "app/node_modules/@s/p/package.json": b'{"version": "1.0.0"}', "same": b"s"},
        User="1000",
        Env=["A=1", "B=2"],
        Cmd=["serve", "-v"],
    )
    right = image(
        {"var/lib/dpkg/status": b"Package: a\nStatus: install\nVersion: 2\n"},
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
