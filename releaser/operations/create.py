"""create: register a release, each image's tag resolved to a digest, once."""

from collections.abc import Mapping

from releaser.model.errors import BadArgument, UnknownName
from releaser.model.image import Image
from releaser.model.release import Release
from releaser.operations import images
from releaser.operations.workspace import Workspace
from releaser.planning.wording import listed, nearest


def create(ws: Workspace, version: str, references: Mapping[str, str]) -> Release:
    """The registered release; `references`: image → tag, digest, `repository:tag` or `repository@digest`.

    Raises ReleaseConflict where the version has other digests, ImageNotFound, BadArgument, UnknownName.
    """
    pipeline = ws.pipeline()
    tags = {}
    for name, reference in references.items():
        if name not in pipeline.images:
            near = nearest(name, pipeline.images)
            hint = f"did you mean {near}?" if near else f"the pipeline has {listed(sorted(pipeline.images))}"
            raise UnknownName(f"there is no image {name} in envs/pipeline.yaml", hint=hint)
        if pipeline.images[name].digest:
            raise BadArgument(f"image {name} is pinned by digest in envs/pipeline.yaml, so it has no tag")
        tags[name] = _tag(pipeline.images[name], reference)
    return ws.history.register(images.resolve(ws, pipeline, version, tags))


def _tag(image: Image, reference: str) -> str:
    """The tag or digest of a reference to an image. Raises BadArgument where it is of another repository."""
    if "@" in reference:
        repository, _, tag = reference.rpartition("@")
        repository = _untagged(repository)
    elif "/" in reference and ":" in reference.rpartition("/")[2]:
        repository, _, tag = reference.rpartition(":")
    else:
        return reference
    if repository not in {image.repository, image.lookup}:
        raise BadArgument(
            f"{reference} is not of image {image.name}, which is {image.repository}",
            hint=f"--image {image.name}=TAG, or another repository in envs/pipeline.yaml",
        )
    return tag


def _untagged(repository: str) -> str:
    folder, slash, name = repository.rpartition("/")
    return folder + slash + name.partition(":")[0]
