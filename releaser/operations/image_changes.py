"""What a plan's images have other than those that run, where that is at hand: nothing is fetched for it."""

from collections.abc import Iterator

import msgspec

from releaser.model.delivery import Record
from releaser.model.errors import ReleaseError
from releaser.model.image import Image, ReleaseImage
from releaser.model.image_content import ImageSummary
from releaser.model.plan import UNCHANGED, ImageChange, Plan
from releaser.model.release import Release
from releaser.operations.workspace import Workspace
from releaser.planning.image_difference import compared


def with_image_changes(ws: Workspace, plan: Plan, head: Record | None) -> Plan:
    """The plan with a line for each image whose digest changes, and of which both are known."""
    current = head.delivery.current if head is not None else None
    if current is None or all(change.action == UNCHANGED for change in plan.changes):
        return plan
    before = ws.history.release_of(current.release)
    if before is None:
        return plan
    try:
        return msgspec.structs.replace(plan, images=tuple(_changes(ws, before, plan.release)))
    except ReleaseError:  # it is told beside the plan, and stops none
        return plan


def _changes(ws: Workspace, before: Release, after: Release) -> Iterator[ImageChange]:
    for name, new in after.images.items():
        old = before.images.get(name)
        if old is None or old.digest == new.digest:
            continue
        one, other = _known(ws, name, old), _known(ws, name, new)
        if one is not None and other is not None and one.platform == other.platform:
            yield compared(name, one, other)


def _known(ws: Workspace, name: str, image: ReleaseImage) -> ImageSummary | None:
    declared = ws.pipeline().images.get(name)
    return ws.known_images.summary(declared or Image(name=name, repository=image.repository), image.digest)
