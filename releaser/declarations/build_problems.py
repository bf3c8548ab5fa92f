"""What the schema of `envs/pipeline.yaml` cannot say about `builds` and `builder`."""

import re
from collections.abc import Iterator

from releaser.declarations.problems import problem, suggestion
from releaser.model.build import BUILDER_WORDS, Build, Package
from releaser.model.environment import Pipeline
from releaser.model.errors import Problem
from releaser.model.tree import Node
from releaser.planning.wording import listed

PATH_TRICK = re.compile(r"(?:^|/)\.\.(?:/|$)|^/|\0")
"""In a path that leads out of the project."""


def build_problems(made: Pipeline, root: Node) -> Iterator[Problem]:
    """Of `builds`."""
    built: dict[str, str] = {}  # repository → the image that is pushed there
    for name, build in made.builds.items():
        node = root.value["builds"].value[name]
        if name not in made.images:
            hint = suggestion(name, made.images) or "declare it in `images`"
            yield problem(f"no image `{name}`", hint, root.value["builds"].key_location(name))
        elif made.images[name].digest is not None:
            hint = "leave the digest out, or the build"
            yield problem(f"`{name}` is pinned by digest, so it is not built", hint, node.location)
        elif (other := built.setdefault(made.images[name].repository, name)) != name:
            message = f"`{name}` would be pushed to the repository of `{other}`, under the same tag"
            yield problem(message, "give each image that is built a repository of its own", node.location)
        yield from _package_problems(build, node)
        for place, path in _paths(build, node):
            if PATH_TRICK.search(path):
                yield problem(f"`{path}` leads out of the project", "name something below it", place.location)
        if made.builder.kind != "buildkit":
            yield from _buildkit_problems(build, node, made.builder.kind)


def _buildkit_problems(build: Build, node: Node, kind: str) -> Iterator[Problem]:
    """What only `buildkit` can do."""
    for word in ("secrets", "ssh", "provenance", "sbom"):
        if getattr(build, word):
            yield problem(
                f"the builder `{kind}` has no `{word}`", "builder: {kind: buildkit}", node.value[word].location
            )
    if len(build.platforms) > 1:
        message = f"the builder `{kind}` builds for one platform at a time, and {listed(build.platforms)} are declared"
        yield problem(message, "builder: {kind: buildkit}, or one platform: platforms: […]", build.location)


def _package_problems(build: Build, node: Node) -> Iterator[Problem]:
    words, place = node.value, node.location
    if (build.context is None) == (build.package is None):
        yield problem("a build is of a `context` or of a `package`", "context: FOLDER, or package: {file: …}", place)
    elif build.package is not None:
        yield from _archive_problems(build.package, words["package"])
        if ("base" in words) == ("dockerfile" in words):
            yield problem("a package needs a `base`, or a `dockerfile` of your own", "base: IMAGE@sha256:…", place)
    for word in ("base", "user", "command", "working_dir"):
        if word in words and (build.package is None or build.recipe is None):
            yield problem(
                f"`{word}` is for a `package` on a `base`", "write it in the Dockerfile", words[word].location
            )


def _archive_problems(package: Package, node: Node) -> Iterator[Problem]:
    known = [word for word in ("file", "url", "git") if getattr(package, word) is not None]
    if len(known) != 1:
        yield problem("a package has a `file`, a `url` or a `git`", "package: {file: …, sha256: …}", node.location)
    elif known != ["git"] and package.sha256 is None:
        yield problem(f"a package of a `{known[0]}` needs its `sha256`", "see: sha256sum FILE", node.location)
    for word in ("repository", "path"):
        if word in node.value and package.git is None:
            yield problem(f"`{word}` is for a package of `git`", "git: REVISION", node.value[word].location)


def _paths(build: Build, node: Node) -> Iterator[tuple[Node, str]]:
    for word in ("context", "dockerfile"):
        if word in node.value:
            yield node.value[word], node.value[word].value
    if build.package is not None and build.package.file is not None:
        yield node.value["package"].value["file"], build.package.file
    if build.package is not None and build.package.path is not None:
        yield node.value["package"].value["path"], build.package.path


def builder_problems(made: Pipeline, root: Node) -> Iterator[Problem]:
    """Of `builder`."""
    node, kind = root.value.get("builder"), made.builder.kind
    for word, value in (node.value if node is not None else {}).items():
        if word != "kind" and word not in BUILDER_WORDS[kind]:
            known = ", ".join(f"`{one}`" for one in sorted(BUILDER_WORDS[kind]))
            yield problem(f"the builder `{kind}` has no `{word}`", f"it has {known}", value.location)
    if "image" in BUILDER_WORDS[kind] and made.builder.image is None and node is not None:
        hint = "image: REGISTRY/NAME@sha256:…, with sh, docker and buildx in it"
        yield problem(f"the builder `{kind}` needs the `image` of its container", hint, node.location)
