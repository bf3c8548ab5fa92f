"""The scanner finds what is planted, however it is packed, and nothing else."""

import base64
import gzip
import json
import shlex
import sqlite3
import urllib.parse
import zlib

import pytest

from tests.canary import encodings, files, find

CANARIES = [
    b"c4nary-s3cr3t",
    b'it\'s "odd" <&> $(x) \\ / +\xc3\xa9',
    b"first line 11\nsecond line 2\n",
    bytes(range(128, 160)),
]

PLANTS = {
    "raw": lambda v: b"..." + v + b"...",
    "base64 at 0": lambda v: base64.b64encode(v + b"yz"),
    "base64 at 1": lambda v: base64.b64encode(b"a" + v + b"z"),
    "base64 at 2": lambda v: base64.b64encode(b"ab" + v + b"xyz"),
    "url-safe base64": lambda v: base64.urlsafe_b64encode(b"a" + v),
    "hex": lambda v: v.hex().encode(),
    "url": lambda v: urllib.parse.quote(v, safe="").encode(),
    "json": lambda v: json.dumps({"k": v.decode("utf-8", "surrogateescape")}).encode(),
    "json in json": lambda v: json.dumps(json.dumps({"k": v.decode("utf-8", "surrogateescape")})).encode(),
    "shell": lambda v: shlex.quote(v.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
    "python": lambda v: f"Error({v!r})".encode(),
    "utf-16": lambda v: v.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass"),
    "zlib": lambda v: b"head" + zlib.compress(b"x" * 500 + v) + b"tail",
    "gzip": lambda v: gzip.compress(base64.b64encode(b"12" + v)),
}


@pytest.mark.parametrize("value", CANARIES, ids=["plain", "odd", "lines", "binary"])
@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_what_is_planted_is_found(value, plant):
    found = find(value, {"clean": b"nothing to see here" * 50, "planted": PLANTS[plant](value)})
    assert {where.blob for where in found} == {"planted"}


def test_one_line_of_several_is_found():
    assert find(b"first line 11\nsecond line 2\n", {"b": b"log: second line 2!"})


def test_nothing_is_found_where_nothing_is():
    blobs = {
        "text": b"The quick brown fox" * 1000,
        "binary": bytes(range(256)) * 100,
        "zip": zlib.compress(b"x" * 10_000),
    }
    assert [find(value, blobs) for value in CANARIES[:3]] == [[], [], []]


def test_a_value_too_short_to_prove_anything_is_refused():
    with pytest.raises(AssertionError):
        find(b"abc", {})


def test_no_encoding_is_empty_or_common():
    assert all(len(encoding) >= 6 for value in CANARIES for encoding in encodings(value))


def test_files_names_links_and_databases(tmp_path):
    value = b"c4nary-s3cr3t"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(value)
    (tmp_path / "c4nary-s3cr3t.yaml").touch()
    (tmp_path / "link").symlink_to("to-c4nary-s3cr3t")
    with sqlite3.connect(tmp_path / "db") as database:
        database.execute("create table t (v blob)")
        database.execute("insert into t values (?)", (zlib.compress(value),))
    database.close()
    (tmp_path / "innocent").write_bytes(b"nothing")
    hits = {where.blob.removeprefix("name of ").rpartition("/")[2] for where in find(value, files(tmp_path))}
    assert hits == {"file", "c4nary-s3cr3t.yaml", "link", "db"}
