"""What a cluster cannot do with a declared service, beyond what the table of words says."""

from collections.abc import Iterator
from typing import NamedTuple

from releaser.engines.kubernetes.render import names, pod
from releaser.engines.moby import words as api
from releaser.engines.rendering import text
from releaser.model.environment import Environment
from releaser.model.value import JsonMap, Path


class Wrong(NamedTuple):
    """One thing that cannot be done: the path in the declaration, what, what to do."""

    path: Path
    message: str
    hint: str


def of_service(name: str, words: JsonMap, environment: Environment, *, job: bool) -> Iterator[Wrong]:
    """What is wrong in a service; paths are within it."""
    yield from _numbers(words)
    yield from _restart(name, words, job=job)
    yield from _files(words)
    yield from _places(words)
    yield from _options(words)
    scale = (words.get("deploy") or {}).get("autoscale")
    if scale and "max" not in scale:
        yield Wrong(("deploy", "autoscale"), "`autoscale` needs `max`", "say how many instances may run at most")
    if words.get("on") and not job:
        yield Wrong(("on",), f"`on` is for jobs, and `{name}` is none", 'a job has `restart: "no"` and is awaited')
    if job and environment.services[name].get("ports"):
        yield Wrong(("ports",), "nothing reaches a Job", "remove the ports")


def _places(words: JsonMap) -> Iterator[Wrong]:
    for key, mount in sorted((words.get("volumes") or {}).items()):
        if mount.get("type") == "bind" and not str(mount.get("source", "")).startswith("/"):
            hint = "write an absolute path of the nodes, or declare the files as `configs`"
            yield Wrong(("volumes", key, "source"), "a node has no folder of the project to bind", hint)
    for index, constraint in enumerate(((words.get("deploy") or {}).get("placement") or {}).get("constraints") or ()):
        if not pod.is_known_constraint(constraint):
            hint = "write `node.labels.NAME==VALUE` or `node.hostname==NAME`"
            path = ("deploy", "placement", "constraints", str(index))
            yield Wrong(path, f"Kubernetes chooses nodes by labels that are equal: {constraint}", hint)


def _options(words: JsonMap) -> Iterator[Wrong]:
    for index, option in enumerate(words.get("security_opt") or ()):
        if option not in {"no-new-privileges", "no-new-privileges:true", "no-new-privileges:false"}:
            yield Wrong(("security_opt", str(index)), f"`{option}` is Docker's own", "remove it")
    for word in ("command", "entrypoint"):
        try:
            api.argv(words.get(word) or [])
        except ValueError:
            yield Wrong((word,), f"a quote is open in `{word}`", "close it, or write a list: [program, argument, …]")


def of_names(environment: Environment) -> Iterator[Wrong]:
    """Names that a cluster does not take, or takes for one."""
    for section, declared in (("services", environment.services), ("volumes", environment.volumes)):
        first: dict[str, str] = {}
        for name in declared:
            made = names.label(name)
            if not names.is_label(made):
                message = f"`{name}` cannot be a name in Kubernetes, nor `{made}`"
                hint = f"letters, digits and `-`, a letter first, at most {names.LONGEST} characters"
                yield Wrong((section, name), message, hint)
            elif first.setdefault(made, name) != name:
                message = f"`{name}` and `{first[made]}` are both `{made}` in Kubernetes"
                yield Wrong((section, name), message, "rename one of them")


def of_volumes(environment: Environment) -> Iterator[Wrong]:
    """Options of volumes that a claim has no word for."""
    for key, body in environment.volumes.items():
        for option in sorted((body.get("driver_opts") or {}).keys() - _CLAIM):
            message = f"a claim has no option `{option}`"
            hint = f"it has {', '.join(sorted(_CLAIM))}"
            yield Wrong(("volumes", key, "driver_opts", option), message, hint)


_CLAIM = frozenset({"access", "size", "storage_class"})


def _numbers(words: JsonMap) -> Iterator[Wrong]:
    user, colon, group = text(words.get("user", "")).partition(":")
    if ("user" in words and not user.isdecimal()) or (colon and not group.isdecimal()):
        message = f"Kubernetes runs a process as a number, and `{words['user']}` is a name"
        yield Wrong(("user",), message, "write the number that the image gives the name: docker run … id")
    for index, one in enumerate(api.texts(words.get("group_add") or [])):
        if not one.isdecimal():
            yield Wrong(
                ("group_add", str(index)), f"a group is a number here, and `{one}` is a name", "write its number"
            )


def _restart(name: str, words: JsonMap, *, job: bool) -> Iterator[Wrong]:
    if job:
        return
    found = api.restarting(words)
    if found is not None and found.condition != "any":
        policy = (words.get("deploy") or {}).get("restart_policy")
        path = ("deploy", "restart_policy", "condition") if policy else ("restart",)
        message = f"a pod of `{name}` is always started again: only a job ends"
        yield Wrong(path, message, "remove it; a job is awaited with `condition: service_completed_successfully`")


def _files(words: JsonMap) -> Iterator[Wrong]:
    for section, files in (("configs", api.config_files(words)), ("secrets", api.secret_files(words))):
        for file in files:
            for word, value in (("uid", file.uid), ("gid", file.gid)):
                if value not in {None, "0"}:
                    message = f"files of a {section[:-1]} belong to root in Kubernetes"
                    yield Wrong((section, file.name, word), message, "remove it, and let `mode` say who may read")
