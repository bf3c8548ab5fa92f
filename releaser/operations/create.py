"""create: register a release, each image's tag resolved to a digest, once."""

from collections.abc import Mapping

from releaser.model.errors import BadArgument, UnknownName
from releaser.model.release import Release
from releaser.operations import images
from releaser.operations.workspace import Workspace
from releaser.planning.wording import listed, nearest


def create(ws: Workspace, version: str, tags: Mapping[str, str]) -> Release:
    """The registered release. Raises ReleaseConflict where the version has other digests, ImageNotFound."""
    pipeline = ws.pipeline()
    for name in tags:
        if name not in pipeline.images:
            near = nearest(name, pipeline.images)
            hint = f"did you mean {near}?" if near else f"the pipeline has {listed(sorted(pipeline.images))}"
            raise UnknownName(f"there is no image {name} in envs/pipeline.yaml", hint=hint)
        if pipeline.images[name].digest:
            raise BadArgument(f"image {name} is pinned by digest in envs/pipeline.yaml, so it has no tag")
    return ws.history.register(images.resolve(ws, pipeline, version, tags))
