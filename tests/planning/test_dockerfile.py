"""The images that a Dockerfile begins with, and their names changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.planning.dockerfile import bases, instructions, with_bases

TEXT = """\
# syntax=docker/dockerfile:1
ARG VERSION=3.20 REGISTRY
ARG BASE=${REGISTRY:-docker.io/library}/alpine
FROM --platform=$BUILDPLATFORM golang:1.22 AS Build
ARG VERSION=ignored
RUN --mount=type=bind,from=tools:1,target=/t true
FROM alpine:${VERSION}
COPY --from=build /a /a
COPY --chown=1 --from=0 /a /b
COPY --from=busybox@sha256:1 /bin/busybox /bin/
from scratch as last
FROM $NOBODY
"""


def test_images_that_are_no_stages() -> None:
    assert bases(TEXT, {}) == ("golang:1.22", "tools:1", "alpine:3.20", "busybox@sha256:1")
    assert bases(TEXT, {"VERSION": "4", "NOBODY": "x"})[2] == "alpine:4"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM $A\n", ()),
        ("ARG A=one\nFROM $A\n", ("one",)),
        ("ARG A=one\nFROM ${A}:${B:-2}\n", ("one:2",)),
        ("ARG A='one'\nFROM $A AS a\nFROM a\n", ("one",)),
        ("FROM one AS a\nFROM one\nFROM 0\n", ("one",)),
        ("RUN true\n", ()),
        ("", ()),
    ],
)
def test_their_names(text: str, found: tuple[str, ...]) -> None:
    assert bases(text, {}) == found


def test_their_names_changed() -> None:
    changed = with_bases(TEXT, {}, {"golang:1.22": "base:1", "alpine:3.20": "base:2", "busybox@sha256:1": "base:3"})
    assert bases(changed, {}) == ("base:1", "tools:1", "base:2", "base:3")
    assert "FROM --platform=$BUILDPLATFORM base:1 AS Build\n" in changed
    assert "COPY --from=base:3 /bin/busybox /bin/\n" in changed
    assert with_bases(TEXT, {}, {}) == TEXT


WRITTEN = """\
# escape=`
FROM alpine `
  AS one

RUN apk add `
    # why
    curl `

    git
run <<-EOT
\techo "FROM no"
\tEOT
COPY <<A <<B /x/
a
A
b
B
ENV A=1
"""


def test_instructions_over_several_lines() -> None:
    assert [(one.word, one.value, one.line, one.last) for one in instructions(WRITTEN)] == [
        ("FROM", "alpine AS one", 2, 3),
        ("RUN", "apk add curl git", 5, 9),
        ("RUN", '<<-EOT\necho "FROM no"', 10, 12),
        ("COPY", "<<A <<B /x/\na\nb", 13, 17),
        ("ENV", "A=1", 18, 18),
    ]


def test_a_base_on_a_line_of_its_own() -> None:
    text = "FROM \\\n  alpine:3 \\\n  AS a\nFROM a\n"
    assert with_bases(text, {}, {"alpine:3": "base:1"}) == "FROM \\\n  base:1 \\\n  AS a\nFROM a\n"


@given(st.text(alphabet="FROM RUNCOPYa:\\\n#<'\" =$", max_size=60))
def test_whatever_is_written_lines_are_where_they_are(text: str) -> None:
    found = instructions(text)
    for one in found:
        assert 1 <= one.line <= one.last <= text.count("\n") + 1
    assert [one.line for one in found] == sorted({one.line for one in found})
    bases(text, {})
