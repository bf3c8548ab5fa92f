"""build: what is told of it; the builds themselves are tested on a real engine."""

import re

import pytest

from releaser import wiring
from releaser.model.build import Built
from releaser.model.errors import BuildFailed
from releaser.model.image import Resolved

DIGEST = "sha256:" + "1f" * 32


class Builder:
    """Builds at once, or fails."""

    fails = False

    def build(self, declared, tell):
        tell(f"[1/2] COPY {declared.context} /")
        tell("[2/2] RUN make")
        tell("[2/2] RUN make")
        if self.fails:
            raise BuildFailed(
                "image api is not built at [2/2] RUN make: exit code: 2; its last lines: no rule",
                hint="see app/Dockerfile",
            )
        return Built(
            image_id=DIGEST,
            steps=2,
            cached=1,
            missed="[2/2] RUN make",
            seconds=3.14,
            context_digest=DIGEST,
            dockerfile_digest=DIGEST,
            bases={},
            log="[2/2] RUN make\n  all done\n",
        )

    def close(self):
        pass


@pytest.fixture
def building(cli, monkeypatch):
    monkeypatch.setattr(wiring, "open_builder", lambda _root, _settings, _secrets: Builder())
    pipeline = (cli.root / "envs/pipeline.yaml").read_text()
    cli.write("envs/pipeline.yaml", f"{pipeline}builds: {{api: {{context: app}}}}\n")
    return cli


def test_a_build_to_read(building):
    ran = building.ok("build", "v9")
    assert ran.out == "✓ api 1f1f1f1f1f1f built, 2 steps (1 cached), 3.1s\n  first not cached: [2/2] RUN make\n"
    assert re.sub(r"^[0-9]{2}:[0-9]{2}:[0-9]{2}Z  ", "", ran.err, flags=re.MULTILINE).splitlines() == [
        "api: [1/2] COPY app /",
        "api: [2/2] RUN make",
        "next: release build v9 --push",
    ]
    assert not building.ok("build", "v9", "-q").err


def test_a_build_for_scripts(building):
    document = building.json("build", "v9")
    assert (document["version"], document["release"]) == ("v9", None)
    (image,) = document["images"]
    assert (image["name"], image["image_id"], image["digest"]) == ("api", DIGEST, None)


def test_a_log_that_is_kept(building, monkeypatch):
    digest = building.json("create", "v1.4")["images"]["api"]["digest"]
    monkeypatch.setattr(Builder, "push", lambda *_: digest, raising=False)
    answer = Resolved(digest=digest, platforms={"linux/amd64": digest})
    monkeypatch.setattr(wiring.LateImages, "pinned", lambda *_: answer)
    building.ok("build", "v1.5", "--push")
    assert building.ok("releases", "show", "v1.5", "--log", "api").out == "[2/2] RUN make\n  all done\n"
    assert building.json("releases", "show", "v1.5", "--log", "api") == {
        "schema": "releaser/log/v1",
        "release": "v1.5",
        "image": "api",
        "log": "[2/2] RUN make\n  all done\n",
    }
    for words, hint in (
        (("v1.5", "--log", "worker"), "hint: it has logs of api"),
        (("v1.4", "--log", "api"), "hint: `release build` built none of its images"),
    ):
        ran = building("releases", "show", *words)
        assert (ran.code, hint in ran.err) == (64, True), ran.err


def test_a_build_that_fails(building, monkeypatch):
    monkeypatch.setattr(Builder, "fails", True)
    ran = building("build", "v9")
    assert ran.code == 1
    assert "its last lines: no rule" in ran.err
    assert "hint: see app/Dockerfile" in ran.err
    assert building("build", "v9", "--json").document["errors"][0]["code"] == "build-failed"


def test_nothing_to_build(cli):
    ran = cli("build", "v9")
    assert ran.code == 64
    assert "envs/pipeline.yaml has no `builds`" in ran.err


def test_what_is_checked_is_not_pushed(building):
    ran = building("build", "v9", "--check-reproducible", "--push")
    assert (ran.code, "what is checked is not pushed" in ran.err) == (64, True)
