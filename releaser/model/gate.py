"""Gates: the conditions for entering an environment, and what was found."""

from datetime import datetime

from releaser.model.value import Value


class GateResult(Value, frozen=True, kw_only=True):
    """One gate's answer for one release; `detail` says why in a sentence."""

    gate: str  # from | soak | confirm | engine | replace
    passed: bool
    detail: str


class Standing(Value, frozen=True, kw_only=True):
    """How a release stands in an upstream environment; the facts that `from` and `soak` are decided by."""

    environment: str
    proven: int | None = None  # the revision that proves it, None where none does
    rolled_back: int | None = None  # the later delivery that rolled back away from it
    since: datetime | None = None  # when its latest unbroken time as `current` began
    until: datetime | None = None  # and ended; None while it is current
