"""An answer of the API server that is an error, and what a person is told of it."""

from collections.abc import Sequence

from releaser.model.value import Value


class Cause(Value, frozen=True, kw_only=True):
    """One field that the server has something to say of."""

    field: str  # as the server spells it: spec.template.spec.containers[0].image
    message: str
    reason: str = ""


class ApiRefused(Exception):  # noqa: N818 - as the tree of errors
    """The server's answer: HTTP status, its `reason` (Conflict, Invalid, Forbidden …), its words, the fields."""

    def __init__(self, status: int, reason: str, message: str, causes: Sequence[Cause] = (), what: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = tuple(causes)
        self.what = what  # the call in words: apply deployment.apps/api
