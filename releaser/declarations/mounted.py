"""The configuration files that services mount: read from below the root, as text where they are text."""

import base64
from collections.abc import Iterator, Mapping

from releaser.declarations.files import ProjectFiles, Unreadable
from releaser.declarations.problems import problem
from releaser.model.environment import Origins
from releaser.model.errors import Problem
from releaser.model.value import Json, JsonMap

MAX_BYTES = 1024 * 1024


def read_configs(
    configs: Mapping[str, JsonMap], files: ProjectFiles, origins: Origins
) -> tuple[dict[str, JsonMap], tuple[Problem, ...]]:
    """Each config with its `content`, or `base64` where a file is not UTF-8; and the files that cannot be read."""
    read: dict[str, JsonMap] = {}
    problems: list[Problem] = []
    for name, config in configs.items():
        if "file" not in config:
            read[name] = config
            continue
        try:
            data = files.read(config["file"], MAX_BYTES)
        except Unreadable as error:
            problems.append(problem(error.message, error.hint, origins.locate(("configs", name, "file"))))
        else:
            read[name] = {**{word: value for word, value in config.items() if word != "file"}, **_content(data)}
    return read, tuple(problems)


def names(configs: Mapping[str, JsonMap]) -> Iterator[str]:
    """The files that are mounted, relative to the root."""
    for config in configs.values():
        if "file" in config:
            yield config["file"]


def _content(data: bytes) -> dict[str, Json]:
    try:
        return {"content": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
