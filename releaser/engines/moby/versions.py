"""Words that came with a newer Docker than the engine's: it would drop them in silence, so nothing is written."""

from collections.abc import Iterable

from releaser.engines import vocabulary
from releaser.engines.vocabulary.page import RELEASES
from releaser.model.errors import ApplyFailed
from releaser.model.value import dotted
from releaser.ports import Desired


def refuse_too_new(services: Iterable[Desired], kind: str, api: str, place: str) -> None:
    """Before the first write: raises ApplyFailed with every word that an engine of this API version does not know."""
    found = [
        (desired.resource.id, use)
        for desired in services
        if desired.resource.id.startswith("service/")
        for use in vocabulary.too_new(vocabulary.SERVICE, kind, desired.resource.body, api)
    ]
    if not found:
        return
    words = ", ".join(f"`{dotted(use.path)}` of {name}" for name, use in found)
    newest = max((use.cell.needs for _, use in found), key=lambda needs: int(needs.partition(".")[2]))
    raise ApplyFailed(
        f"{place} speaks version {api} of Docker's API, which does not know {words}",
        hint=f"remove it there, or update the engine to Docker {RELEASES[newest]} (API {newest}) or newer",
    )
