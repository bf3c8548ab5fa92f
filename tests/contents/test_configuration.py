"""An image's configuration: what is optional, what is old, and what is of another shape."""

import io
import json
from typing import Any

import pytest

from releaser.contents import archive, configuration
from releaser.model.errors import RegistryUnreachable
from releaser.model.image_content import ImageContent
from releaser.planning import layers
from releaser.planning.image_difference import difference
from tests.contents.archives import config, layer, with_config

ONE = layer({"app": b"x"})


def read(body: object) -> ImageContent:
    return archive.read(io.BytesIO(with_config(body, ONE)), "tar:x", files=False)


@pytest.mark.parametrize(
    "body",
    [
        [1],
        5,
        {**config([ONE]), "history": ["x"]},
        {**config([ONE]), "history": [{"created_by": 5}]},
        {**config([ONE]), "rootfs": "x"},
        {**config([ONE]), "rootfs": {"diff_ids": "x"}},
        {**config([ONE]), "created": 5},
        {**config([ONE]), "os": ["linux"]},
        {**config([ONE]), "config": []},
        config([ONE], Labels=["a"]),
        config([ONE], Labels={"a": 1}),
        config([ONE], Env=[1, None]),
        config([ONE], Env="A=b"),
        config([ONE], User=1000),
        config([ONE], Cmd=[["sh"]]),
        config([ONE], ExposedPorts=["80/tcp"]),
        config([ONE], Healthcheck="x"),
        config([ONE], StopTimeout="10"),
    ],
)
def test_another_shape(body: object) -> None:
    with pytest.raises(RegistryUnreachable, match=r"tar:x has (a configuration that is none|no image in it)"):
        read(body)


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b'{"os": "\xff"}', b'{"os": "\\ud800"}'])
def test_what_is_no_json(data: bytes) -> None:
    with pytest.raises(RegistryUnreachable, match="tar:x has a configuration that is none"):
        configuration.read(data, "tar:x")


NOTHING: dict[str, Any] = dict.fromkeys(("User", "Entrypoint", "Cmd", "Env", "Labels", "ExposedPorts", "Volumes"))


@pytest.mark.parametrize("words", [{}, {"config": None, "rootfs": None, "history": None}, {"config": NOTHING}])
def test_everything_is_optional(words: dict[str, object]) -> None:
    report = layers.report(read({"os": "linux", "architecture": "amd64", **words}))
    assert (report.user, report.entrypoint, report.environment, len(report.layers)) == ("", (), (), 1)


def test_a_command_that_is_one_text_is_one_word() -> None:
    old = read(config([ONE], Entrypoint="run", Cmd="a b", Shell=""))
    report = layers.report(old)
    assert (report.entrypoint, report.command) == (("run",), ("a b",))
    assert difference(old, read(config([ONE], Entrypoint=["run"], Cmd=["a b"]))).config == ()
    assert json.loads(json.dumps(old.config))["config"]["Shell"] == ""
