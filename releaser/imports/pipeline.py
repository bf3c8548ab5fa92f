"""`envs/pipeline.yaml` of an import, and the command that registers what runs now."""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from releaser.imports.images import ImportedImage
from releaser.imports.writing import key_of, scalar_of

_FIRST = "v1"


def pipeline(project: str, images: Sequence[ImportedImage], environments: Sequence[str], sources: Iterable[str]) -> str:
    """The pipeline: every image, and the environments in order."""
    declared = "".join(_image(image) for image in _each(images))
    return f"""\
# yaml-language-server: $schema=schemas/pipeline.schema.json
# What is delivered, in which order, under which rules; made of {", ".join(sources)}.
project: {scalar_of(project)}
platforms: [linux/amd64]
images:                   # where each image's tags are looked up; a release has a digest for each
{declared}environments:             # in pipeline order
{"".join(_environments(environments))}"""


def _each(images: Sequence[ImportedImage]) -> list[ImportedImage]:
    return list({image.name: image for image in images}.values())


def _image(image: ImportedImage) -> str:
    if image.digest is not None:
        return f'  {key_of(image.name)}: {{repository: {scalar_of(image.repository)}, digest: "{image.digest}"}}\n'
    place = f"{image.place.file}:{image.place.line}"
    if image.placeholder:
        note = f"TO BE WRITTEN: where the image that {place} builds is pushed"
    else:
        note = f"{place} has the tag {image.tag}"
    return f"  {key_of(image.name)}: {scalar_of(image.repository)}  # {note}\n"


def _environments(environments: Sequence[str]) -> Iterator[str]:
    before = None
    for name in environments:
        yield f"  {key_of(name)}:\n    layers: [base]\n"
        if before is not None:
            yield f"    from: {scalar_of(before)}\n"
        before = name
    if len(environments) == 1:
        yield f"""\
  # staging:              # more environments: an entry here, and what is its own in envs/staging.yaml
  #   layers: [base]
  #   from: {scalar_of(environments[0])}
  # production:
  #   layers: [base]
  #   from: staging
  #   soak: 24h
  #   confirm: name
"""


def create_command(images: Sequence[ImportedImage]) -> tuple[str, str]:
    """The release that is what runs now, and the command that registers it."""
    tagged = [image for image in _each(images) if image.digest is None]
    built = [image.tag for image in tagged if image.built and image.tag not in {None, "latest"}]
    version = built[0] if built and built[0] is not None else _FIRST
    others = (
        f"--image {shlex.quote(f'{image.name}={image.tag}')}" for image in tagged if image.tag not in {None, version}
    )
    return version, " ".join((f"release create {shlex.quote(version)}", *others))
