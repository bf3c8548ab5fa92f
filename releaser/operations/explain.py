"""explain: one value, and the chain of layers that made it."""

from releaser.model.documents import Explanation
from releaser.model.environment import Environment
from releaser.model.errors import BadArgument, UnknownName
from releaser.model.value import Json, JsonMap, Path, at_path, dotted, parse_path
from releaser.operations.workspace import Workspace
from releaser.planning.wording import duration, listed, nearest


def explain(ws: Workspace, environment: str, text: str) -> Explanation:
    """The value at a path of the resolved environment; `services.` may be left out. Raises UnknownName."""
    resolved = ws.declarations.environment(environment)
    try:
        path = parse_path(text)
    except ValueError as error:
        raise BadArgument(f"{text} is not a path: {error}", hint='as in services.api.labels."a.b"') from error
    config = {**_defaults(resolved), **resolved.config, **_verify(resolved)}
    for tried in (path, ("services", *path)):
        chain, value = resolved.origins.chain(tried), at_path(config, tried)
        if chain or value is not None:  # a default has no chain
            return Explanation(environment=environment, path=dotted(tried), value=value, chain=chain)
    raise UnknownName(f"{environment} has nothing at {text}", hint=_near(config, path))


def _defaults(environment: Environment) -> JsonMap:
    """What counts where no layer says otherwise."""
    return {
        "wait": duration(environment.wait),
        "on_failure": "rollback" if environment.rollback_on_failure else "keep",
    }


def _verify(environment: Environment) -> JsonMap:
    if environment.verify is None:
        return {}
    return {"verify": {"timeout": duration(environment.verify.timeout), **environment.config["verify"]}}


def _near(config: Json, path: Path) -> str:
    """The longest part of the path that leads somewhere, and what was probably meant there."""
    services = config.get("services", {})
    if len(path) == 1:
        near = nearest(path[0], [*config, *services])
        return f"did you mean {near}?" if near else f"there are {listed([*config, *services])}"
    root: Path = path if path[0] in config else ("services", *path)
    for length in range(len(root)):
        here = at_path(config, root[:length])
        if isinstance(here, dict) and root[length] not in here:
            near = nearest(root[length], [*here, *(config if length == 1 else ())])
            where = dotted(root[:length])
            if near:
                return f"did you mean {dotted((*root[:length], near))}?"
            return f"{where} has {', '.join(sorted(here)) or 'nothing'}"
    return "release render --env ENV shows what it has"
