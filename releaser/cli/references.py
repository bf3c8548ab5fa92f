"""Deliveries on the command line: `ENV`, the newest, or `ENV/REVISION`."""

import re

from releaser.model.errors import BadArgument

_REVISION = re.compile(r"#?([0-9]{1,18})\Z", re.ASCII)


def delivery_of(text: str) -> tuple[str, int | None]:
    """The environment, and the revision where one is named. Raises BadArgument."""
    environment, slash, revision = text.partition("/")
    found = _REVISION.match(revision)
    if not environment or (slash and not found):
        raise BadArgument(f"{text or 'an empty text'} names no delivery", hint="ENV or ENV/REVISION, as in staging/3")
    return environment, int(found[1]) if found else None
