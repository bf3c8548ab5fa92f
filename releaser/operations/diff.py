"""diff: two environments' effective configuration, or two deliveries' resources, field by field."""

from collections.abc import Iterator

from releaser.model.delivery import Record
from releaser.model.documents import Difference, FieldDifference
from releaser.model.environment import Environment
from releaser.model.value import Json, Path, dotted
from releaser.operations.recorded import known_environment
from releaser.operations.workspace import Workspace
from releaser.planning import diff as differing
from releaser.planning.drift import masked


def environments(ws: Workspace, left: str, right: str) -> Difference:
    """The resolved declarations of two environments, with the place of each side."""
    one, other = ws.declarations.environment(left), ws.declarations.environment(right)
    fields = tuple(_fields(one, other))
    return Difference(left=left, right=right, fields=fields)


def _fields(one: Environment, other: Environment) -> Iterator[FieldDifference]:
    for path, left, right in differing.diff(_whole(one), _whole(other)):
        yield FieldDifference(
            path=dotted(path),
            left=left,
            right=right,
            left_origin=None if left is None else one.origins.locate(path),
            right_origin=None if right is None else other.origins.locate(path),
            secret=_secret(path),
        )


def _whole(environment: Environment) -> Json:
    """The merged document, with the contents of mounted files where their names stand."""
    config = dict(environment.config)
    configs = {
        name: {**declared, **({"content": environment.configs[name].get("content")} if "file" in declared else {})}
        for name, declared in config.get("configs", {}).items()
    }
    return {**config, "configs": configs} if configs else config


def _secret(path: Path) -> bool:
    return path[:1] == ("secrets",) or path[-1:] == ("secret",)


def deliveries(ws: Workspace, left: tuple[str, int], right: tuple[str, int]) -> Difference:
    """The recorded resources of two deliveries. Raises UnknownName."""
    one, other = _delivered(ws, *left), _delivered(ws, *right)
    return Difference(left=f"{left[0]}/{left[1]}", right=f"{right[0]}/{right[1]}", fields=tuple(_recorded(one, other)))


def _delivered(ws: Workspace, environment: str, revision: int) -> Record:
    if ws.history.head(environment) is None:
        known_environment(ws, environment)
    return ws.history.record(environment, revision)


def _recorded(one: Record, other: Record) -> Iterator[FieldDifference]:
    left = {resource.id: resource for resource in one.resources}
    right = {resource.id: resource for resource in other.resources}
    for name in sorted(left.keys() | right.keys()):
        a, b = left.get(name), right.get(name)
        old, new = (a.body if a else None), (b.body if b else None)
        secrets = ({} if a is None else a.secrets, {} if b is None else b.secrets)
        for path, before, after in masked(old, new, *secrets):
            whole = dotted((name, *path))
            secret = any(dotted(path) in paths for paths in secrets)
            yield FieldDifference(path=whole, left=before, right=after, secret=secret)
