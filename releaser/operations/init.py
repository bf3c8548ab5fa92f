"""init: the declarations of a new project, to start from."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from releaser.model.documents import Started
from releaser.model.errors import BadArgument
from releaser.planning.wording import listed

PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+\Z")

_PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[A-Za-z][A-Za-z0-9_-]*\Z", re.IGNORECASE)


def begin(root: Path, project: str, images: Mapping[str, str], schemas: Mapping[str, str]) -> Started:
    """Write `envs/` below `root`: a pipeline, two layers, three environments, and the schemas for editors.

    Raises BadArgument for names that cannot be used, and where one of the files is there already: nothing is
    overwritten.
    """
    _check(project, images)
    return write(root, dict(_files(project, images, schemas)))


def write(root: Path, files: Mapping[str, str]) -> Started:
    """Write files below `root`, all or none. Raises BadArgument where one is there already: nothing is overwritten."""
    there = [name for name in files if (root / name).exists()]
    if there:
        raise BadArgument(
            f"{listed(there[:3])} {'is' if len(there) == 1 else 'are'} there already",
            hint="init begins a new project and overwrites nothing: choose another folder with -C DIR",
        )
    written: list[Path] = []
    try:
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as stream:
                written.append(file)
                stream.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise BadArgument(f"{error.filename or root} cannot be written: {error.strerror}") from error
    return Started(files=tuple(files))


def check_project(project: str) -> None:
    """Raises BadArgument for a name that no project can have."""
    if not PROJECT.match(project):
        raise BadArgument(
            f"{project!r} is no name for a project",
            hint="--project NAME: lower case letters, digits, _ and -, beginning with a letter or digit",
        )


def _check(project: str, images: Mapping[str, str]) -> None:
    check_project(project)
    for name, repository in images.items():
        if not IMAGE.match(name):
            raise BadArgument(f"{name!r} is no name for an image", hint="letters, digits, . _ and -, as in api")
        check_repository(repository)


def check_repository(repository: str) -> None:
    """Raises BadArgument for what is no repository, or more than one."""
    if not REPOSITORY.match(repository):
        raise BadArgument(
            f"{repository!r} is no repository",
            hint="without a tag or a digest, as in --image api=registry.example.com/shop/api",
        )


def _files(project: str, images: Mapping[str, str], schemas: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "envs/pipeline.yaml", _pipeline(project, images)
    yield "envs/base.yaml", _LAYER + _base(project, images)
    yield "envs/test.yaml", _LAYER + _TEST + "services:\n" + "".join(_replicas(images, 1))
    yield "envs/test1.yaml", _LAYER + _TEST1
    yield "envs/staging.yaml", _LAYER + _STAGING
    yield "envs/production.yaml", _LAYER + _production(project) + "services:\n" + "".join(_replicas(images, 3))
    for name, text in schemas.items():
        yield f"envs/schemas/{name}.schema.json", text


def _key(name: str) -> str:
    return name if _PLAIN.match(name) else json.dumps(name)


def _replicas(images: Mapping[str, str], number: int) -> Iterator[str]:
    for name in images:
        yield f"  {_key(name)}:\n    deploy: {{replicas: {number}}}\n"


_LAYER = "# yaml-language-server: $schema=schemas/layer.schema.json\n"


def _pipeline(project: str, images: Mapping[str, str]) -> str:
    declared = "".join(f"  {_key(name)}: {repository}\n" for name, repository in images.items())
    return f"""\
# yaml-language-server: $schema=schemas/pipeline.schema.json
# What is delivered, in which order, under which rules.
project: {_key(project)}
platforms: [linux/amd64]
images:                   # where each image's tags are looked up; the tag is the release's name
{declared}environments:             # in pipeline order
  test1:                  # no `from`: releases enter here
    layers: [base, test]
  staging:
    layers: [base]
    from: test1           # a release gets in when it is proven there; also {{any: [test1, test2]}}
  production:
    layers: [base]
    from: staging
    soak: 24h             # it must have run in staging for so long
    confirm: name         # who delivers types the environment's name
"""


def _base(project: str, images: Mapping[str, str]) -> str:
    services = "".join(
        f"""\
  {_key(name)}:
    image: {_key(name)}
    environment:
      LOG_LEVEL: "${{log_level}}"
      PUBLIC_URL: "https://${{domain}}"
    # ports:
    #   http: {{target: 8080}}
    # secrets:
    #   db_password: {{target: /run/secrets/db_password}}
    deploy: {{replicas: 2}}
"""
        for name in images
    )
    return f"""\
# What all environments share. Maps of higher layers merge into these; single values and lists are replaced.
vars:                     # names for ${{name}} in every text; ${{environment}} and ${{project}} are built in
  domain: "${{environment}}.{project}.example"
  log_level: info
services:                 # in the words of the Compose Specification
{services}# secrets:               # references: values are read when they are delivered, and never recorded
#   db_password: {{from: env, name: DB_PASSWORD}}
wait: 5m                  # until it runs, at most
on_failure: rollback      # or keep
"""


_TEST = """\
# What the test environments share.
vars:
  log_level: debug
"""

_TEST1 = """\
# test1 alone. Without an engine, deliveries are compose files in deploy/test1.
# engine: {kind: directory, path: "deploy/${environment}"}
vars: {}
"""

_STAGING = """\
# staging alone: as production, but smaller.
vars: {}
# verify:                 # a command that has the last word on a delivery
#   command: [./smoke, "${domain}"]
#   timeout: 60s
"""


def _production(project: str) -> str:
    return f"""\
# production alone.
vars:
  domain: {project}.example
  log_level: warning
"""
