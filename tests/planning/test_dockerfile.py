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
        ("ARG V=3.18\nARG IMG=alpine:${V}\nFROM $IMG\n", ("alpine:3.18",)),
        ("ARG IMG=alpine:$V\nFROM $IMG\n", ()),
        ("FROM one\nRUN uvx --from=ruff ruff\nCOPY --chown=1 x --from=y /z\n", ("one",)),
        ("FROM one\nRUN --mount=type=bind,from=two,target=/t x --mount=from=three\n", ("one", "two")),
        ("FROM\tone\tAS\ta\nCOPY\t--from=two\t/x /y\n", ("one", "two")),
        ("\ufeffFROM one\n", ("one",)),
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


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("COPY --chown=node --from=node /node /x", "COPY --chown=node --from=base:1 /node /x"),
        ("RUN --mount=type=bind,from=node,target=/n node", "RUN --mount=type=bind,from=base:1,target=/n node"),
        ("FROM --platform=linux/node node AS node-1", "FROM --platform=linux/node base:1 AS node-1"),
    ],
)
def test_a_name_is_changed_where_it_is_an_image(line: str, changed: str) -> None:
    assert with_bases(f"FROM x\n{line}\n", {}, {"node": "base:1"}) == f"FROM x\n{changed}\n"


def test_arguments_that_double_each_other() -> None:
    text = "ARG A0=aaaa\n" + "".join(f"ARG A{n + 1}=$A{n}$A{n}\n" for n in range(40)) + "FROM $A40\n"
    assert len(bases(text, {})[0]) < 10_000


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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "COPY <<robots.txt <<humans.txt /www/\na\nrobots.txt\nb\nhumans.txt\n",
            "COPY <<robots.txt <<humans.txt /www/\na\nb",
        ),
        ('RUN python3 - 3<<"EOF"\nENV A=1\nEOF\n', 'RUN python3 - 3<<"EOF"\nENV A=1'),
        ("ONBUILD RUN <<EOF\nENV A=1\nEOF\n", "ONBUILD RUN <<EOF\nENV A=1"),
        ("RUN cat <<EOF\r\nENV A=1\r\nEOF\r\n", "RUN cat <<EOF\nENV A=1"),
        ('RUN bash -c "grep x <<<foo"\n', 'RUN bash -c "grep x <<<foo"'),
        ("RUN echo $((1<<n)) $(( 1 <<n ))\n", "RUN echo $((1<<n)) $(( 1 <<n ))"),
        ('RUN bash -c "cat <<EOF" <<\n', 'RUN bash -c "cat <<EOF" <<'),
        ("ENV B=<<EOF\n", "ENV B=<<EOF"),
        ("RUN\tx \\\n\ty\n", "RUN x y"),
        ("RUN echo \\\\\n", "RUN echo \\\\"),
    ],
)
def test_where_an_instruction_ends(text: str, found: str) -> None:
    told = instructions(f"{text}ENV\tZ=1\n")
    assert [f"{one.word} {one.value}" for one in told] == [found, "ENV Z=1"]
    assert told[1].line == text.count("\n") + 1


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
