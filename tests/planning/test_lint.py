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
    "secret-in-layers": ("FROM a@sha256:1\nCOPY .npmrc /root/\nFROM b@sha256:1\nCOPY id_rsa /root/.ssh/id_rsa\n", [4]),
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


@pytest.mark.parametrize(
    ("rule", "lines", "text"),
    [
        ("base-pinned", [3], "ARG V=3.18\nARG IMG=alpine:${V}\nFROM $IMG\n"),
        ("base-pinned", [1], "FROM alpine:3\nRUN uvx --from=ruff ruff check\n"),
        ("root-user", [], 'FROM a AS base\nUSER node\nFROM base AS b\nFROM B\nCMD ["x"]\n'),
        ("root-user", [4], 'FROM a AS base\nUSER node\nFROM base\nUSER root\nCMD ["x"]\n'),
        ("root-user", [2], 'FROM a AS base\nENTRYPOINT ["x"]\nFROM base\nENV A=1\n'),
        ("root-user", [], 'FROM gcr.io/distroless/static-debian12:debug-nonroot@sha256:1\nENTRYPOINT ["/x"]\n'),
        ("root-user", [2], 'FROM nonroot/a:1\nENTRYPOINT ["/x"]\n'),
        ("package-lists", [], "FROM a\nRUN --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get install x\n"),
        ("package-lists", [2], "FROM a\nRUN --mount=type=cache,target=/var/cache/apt apt-get install x\n"),
        ("package-lists", [], "FROM a\nRUN apk update && apk add curl && rm -rf /var/cache/apk/*\n"),
        (
            "package-lists",
            [2, 3, 4],
            "FROM a\nRUN apt-get -y install x\nRUN apk --update add x\nRUN apt -o A=b -t x install y\n",
        ),
        ("package-lists", [], "FROM a\nRUN apt-get remove -y install-info && apk del add\n"),
        ("recommended-packages", [2], "FROM a\nRUN apt-get -qq -y install x\n"),
        ("recommended-packages", [], "FROM a\nRUN apt-get --no-install-recommends install x\n"),
        ("cache-order", [], "FROM a\nCOPY r.txt .\nRUN pip install -r r.txt\nCOPY . .\nRUN pip install --no-deps .\n"),
        ("cache-order", [], "FROM a\nCOPY uv.lock .\nRUN uv sync --no-install-project\nCOPY . .\nRUN uv sync\n"),
        ("cache-order", [3], "FROM a\nRUN pip install -U pip\nCOPY . .\nRUN pip3 install -r r.txt\n"),
        ("cache-order", [3], "FROM a\nCOPY x .\nCOPY . .\nRUN apt-get -y install x\n"),
        ("cache-order", [2], 'FROM a\nCOPY [".", "."]\nRUN npm ci\n'),
        ("cache-order", [], 'FROM a\nCOPY <<-"E" /y\n\tcd . && x\n\tE\nRUN pip install --no-cache-dir x\n'),
        ("cache-order", [], "FROM a\nCOPY --from=b . .\nRUN npm ci\n"),
        ("removed-later", [], "FROM a\nCOPY build /tmp/builder/\nRUN rm -rf /tmp/build /\nRUN rm -r /*\n"),
        ("removed-later", [3], "FROM a\nCOPY build a.tar /tmp/\nRUN x && rm -f -- /x /tmp/*.tar && y\n"),
        ("removed-later", [3], "FROM a\nCOPY build /tmp/builder/\nRUN rm -rf /tmp/*\n"),
        (
            "secret-in-history",
            [],
            'FROM a\nENV TOKENIZERS_PARALLELISM=false\nENV DESCRIPTION="keeps the secret safe"\n',
        ),
        ("secret-in-history", [], "FROM a\nENV NAME the secret PASSWORD\nENV TOKEN= USE_TOKEN=1\nLABEL title=secret\n"),
        ("secret-in-history", [2, 3, 4], "FROM a\nENV TOKEN two words\nENV A='x y' TOKEN=$X\nARG A=1 TOKEN\n"),
        ("secret-in-history", [2], "FROM a\nRUN git clone https://me:hunter2@github.com/x/y\n"),
        ("secret-in-history", [2], 'FROM a\nRUN curl -H "Authorization: Bearer hunter2" https://x\n'),
        ("secret-in-history", [2, 3], "FROM a\nRUN export DB_PASSWORD=abc && x\nLABEL api_token=abc\n"),
        ("secret-in-history", [], "FROM a\nRUN NPM_TOKEN=$(cat /run/secrets/npm) npm ci\n"),
        ("secret-in-history", [], "FROM a\nRUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci\n"),
        ("secret-in-history", [2], "FROM a\nENV\tTOKEN\ttwo words\nENV\n"),
        ("secret-in-layers", [2], "FROM a\nCOPY [x] id_rsa /y/\nCOPY " + "[" * 9999 + "\n"),
        ("secret-in-history", [2], "FROM a\nENV DB=postgres://u:hunter2@db\n"),
        ("secret-in-layers", [], "FROM a\nCOPY .env.example .npm /app/\nCOPY --from=b .npmrc /x\n"),
        ("secret-in-layers", [], "FROM a\nCOPY pgdg.key /etc/apt/keyrings/\n"),
        ("secret-in-layers", [2], "FROM a\nCOPY pgdg.key /etc/nginx/\n"),
        ("secret-in-layers", [2], 'FROM a AS b\nCOPY ["x", "tls/server.key", "/app/"]\nFROM b\n'),
    ],
)
def test_what_is_told_and_what_is_not(rule: str, lines: list[int], text: str) -> None:
    found = [one for one in lint(text, "f", ignores=True) if one.rule == rule]
    assert [one.line for one in found] == lines
    assert not any("hunter2" in one.message for one in found)


def theirs(rule: str, line: int) -> Finding:
    return Finding(rule=rule, level="warning", file="f", line=line, message="m", mend="w")


def test_hadolints_words_for_the_same_are_said_once() -> None:
    text = BAD["shell-form"][0]
    others = (theirs("DL3025", 2), theirs("DL3025", 9), theirs("DL4006", 2))
    both = together(text, lint(text, "f", ignores=True), others)
    assert [(one.rule, one.line) for one in both if one.rule.startswith("DL")] == [("DL4006", 2), ("DL3025", 9)]


def test_hadolints_words_for_a_row_of_steps_are_said_once() -> None:
    text = "FROM a@sha256:1\nRUN a\nRUN b\nRUN c\nENV A=1\nRUN d\nRUN e\n"
    both = together(text, lint(text, "f", ignores=True), [theirs("DL3059", line) for line in (3, 4, 7)])
    assert [(one.rule, one.line) for one in both if one.rule in {"layers", "DL3059"}] == [("layers", 2), ("DL3059", 7)]


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


def linted(*layers: bytes, history: str = "", **words: object) -> dict[str, str]:
    content = archive.read(io.BytesIO(saved(*layers, User="1000", **words)), "x", files=False)
    content.config["history"][0]["created_by"] = history  # type: ignore[index,call-overload]
    return {one.rule: one.message for one in lint_image(content)}


@pytest.mark.parametrize(
    ("history", "words", "told"),
    [
        ("RUN git clone https://me:hunter2@github.com/x # buildkit", {}, "a login in a URL"),
        ("RUN |1 NPM_TOKEN=hunter2 A=b /bin/sh -c npm ci", {}, "NPM_TOKEN"),
        ("", {"Env": ["DATABASE_URL=postgres://u:hunter2@db/x", "A_TOKEN=$hunter2"]}, "A_TOKEN and a login in a URL"),
        ("", {"Labels": {"api_token": "hunter2"}}, "api_token"),
        ("", {"Cmd": ["x", "--password=hunter2"]}, "password"),
        ("", {"Entrypoint": ["x", "--token", "hunter2"]}, "token"),
        ("", {"Healthcheck": {"Test": ["CMD-SHELL", "curl https://u:hunter2@x"]}}, "a login in a URL"),
        ("", {"OnBuild": ["RUN TOKEN=hunter2 x"]}, "TOKEN"),
    ],
)
def test_an_image_that_gives_away(history: str, words: dict[str, object], told: str) -> None:
    found = linted(layer({"app": b"x"}), history=history, **words)
    assert found == {"secret-in-history": f"its history and its configuration give away {told}"}


@pytest.mark.parametrize(
    ("history", "variable"),
    [
        ("RUN /bin/sh -c NPM_TOKEN=$(cat /run/secrets/npm_token) npm ci # buildkit", "TOKENIZERS_PARALLELISM=false"),
        ("ENV DESCRIPTION=keeps the secret safe", "DESCRIPTION=keeps the secret safe"),
        ("ENV DB_PASSWORD_FILE=/run/secrets/db", "DB_PASSWORD_FILE=/run/secrets/db"),
        ("token" * 40_000, "GPG_KEY=1"),
    ],
)
def test_an_image_that_gives_nothing_away(history: str, variable: str) -> None:
    assert linted(layer({"app": b"x"}), history=history, Env=[variable]) == {}


def test_files_that_are_secrets_in_an_image() -> None:
    assert linted(layer({"app/.env": b"", "node_modules/npm/.npmrc": b"x", "etc/ssl/certs/ca.pem": b"x"})) == {}
    found = linted(layer({"app/.env": b"x", "app/key.pem": b"x", "root/.dockercfg": b"x"}))
    assert found.keys() == {"secret-in-layers"}
    assert "/app/.env, /app/key.pem and /root/.dockercfg" in found["secret-in-layers"]


def test_an_image_that_is_well() -> None:
    content = archive.read(io.BytesIO(saved(layer({"app": b"x"}), User="1000", Env=["PATH=/bin"])), "x", files=False)
    assert lint_image(content) == ()
