"""Rules over Dockerfiles and images: each finds what it is for, and nothing in what is written well."""

import io

import pytest

from releaser.contents import archive
from releaser.model.lint import Finding
from releaser.planning.lint import RULES, lint, together
from releaser.planning.lint_image import lint_image
from tests.contents.archives import layer, saved

GOOD = """\
FROM docker.io/library/node:22@sha256:1 AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npm npm ci
COPY . .
RUN npm run build

FROM docker.io/library/python@sha256:2
RUN apt-get update && apt-get install -y --no-install-recommends curl \\
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /app/
RUN pip install --no-cache-dir -r /app/requirements.txt
ADD --checksum=sha256:3 https://example.com/tool /usr/local/bin/tool
ADD rootfs.tar.gz /
COPY --from=build /src/dist /app
ARG GIT_SHA
ENV DB_PASSWORD_FILE=/run/secrets/db
USER 1000
CMD ["python", "-m", "app"]
"""
BAD = {
    "base-pinned": ("FROM alpine:3\n", [1]),
    "base-version": ("FROM alpine\nFROM r.io/b:latest\n", [1, 2]),
    "root-user": ('FROM a@sha256:1\nUSER 1000\nFROM b@sha256:1\nUSER root\nCMD ["x"]\n', [4]),
    "cache-order": ("FROM a@sha256:1\nCOPY . /app\nRUN cd /app && npm ci\n", [2]),
    "changing-early": ("FROM a@sha256:1\nARG GIT_SHA\nLABEL x=1\nRUN apk add --no-cache curl\n", [2]),
    "package-lists": ("FROM a@sha256:1\nRUN apt-get install -y x\nRUN apk add y\n", [2, 3]),
    "recommended-packages": ("FROM a@sha256:1\nRUN apt-get install -y x\n", [2]),
    "pip-cache": ("FROM a@sha256:1\nRUN pip install x\n", [2]),
    "layers": ("FROM a@sha256:1\nRUN a\nRUN b\nRUN c\nENV A=1\nRUN d\n", [2]),
    "removed-later": ("FROM a@sha256:1\nCOPY src /build/\nRUN make && rm -rf /build/src\n", [3]),
    "secret-in-history": ("FROM a@sha256:1\nARG NPM_TOKEN\nENV A=1 DB_PASSWORD=x\n", [2, 3]),
    "add": ("FROM a@sha256:1\nADD app /app\nADD https://a.b/c /c\n", [2, 3]),
    "shell-form": ("FROM a@sha256:1\nENTRYPOINT run -v\nCMD serve\n", [2, 3]),
    "dockerignore": ("FROM a@sha256:1\nCOPY . /app\n", [2]),
    "run-habits": ("FROM a@sha256:1\nRUN cd /x && make\nRUN sudo make\n", [2, 3]),
}


def test_what_is_written_well() -> None:
    assert lint(GOOD, "Dockerfile", ignores=True) == ()


def test_every_rule_is_tried() -> None:
    assert BAD.keys() == RULES.keys()


@pytest.mark.parametrize("rule", BAD)
def test_what_is_not(rule: str) -> None:
    text, lines = BAD[rule]
    found = lint(text, "app/Dockerfile", ignores=False)
    assert [one.line for one in found if one.rule == rule] == lines
    assert all(one.message and one.mend and one.file == "app/Dockerfile" for one in found)
    assert list(found) == sorted(found, key=lambda one: (one.line or 0, one.rule))


def test_hadolints_words_for_the_same_are_said_once() -> None:
    ours = lint(BAD["shell-form"][0], "f", ignores=True)

    def theirs(rule: str, line: int) -> Finding:
        return Finding(rule=rule, level="warning", file="f", line=line, message="m", mend="w")

    both = together(ours, (theirs("DL3025", 2), theirs("DL3025", 9), theirs("DL4006", 2)))
    assert [(one.rule, one.line) for one in both if one.rule.startswith("DL")] == [("DL4006", 2), ("DL3025", 9)]


def test_an_image() -> None:
    layers = (
        layer({"root/.npmrc": b"//registry:_authToken=x", "data/big": b"x" * 2_000_000}),
        layer({"root/.wh..npmrc": b"", "data/.wh.big": b""}),
    )
    content = archive.read(io.BytesIO(saved(*layers, Env=["DB_PASSWORD=x", "A=1"])), "x", files=False)
    content.config["history"][0]["created_by"] = "|1 NPM_TOKEN=hunter2 /bin/sh -c npm ci"  # type: ignore[index,call-overload]
    found = {one.rule: one.message for one in lint_image(content)}
    assert found.keys() == {"root-user", "secret-in-history", "secret-in-layers", "wasted-bytes"}
    assert "DB_PASSWORD and NPM_TOKEN" in found["secret-in-history"]
    assert "/root/.npmrc" in found["secret-in-layers"]
    assert "most of it /data/big" in found["wasted-bytes"]
    assert not any("hunter2" in message for message in found.values())


def test_an_image_that_is_well() -> None:
    content = archive.read(io.BytesIO(saved(layer({"app": b"x"}), User="1000", Env=["PATH=/bin"])), "x", files=False)
    assert lint_image(content) == ()
