"""Pruning: ConfigMaps and Secrets by content that nobody needs any more; what a former revision needs stays with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from releaser.engines.kubernetes import live, marks
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused, told
from releaser.engines.kubernetes.looking import Look
from releaser.engines.kubernetes.objects import parse
from releaser.engines.kubernetes.references import CONFIG_MAP, SECRET, names
from releaser.engines.kubernetes.watching import Tell
from releaser.model.event import Point
from releaser.model.value import JsonMap
from releaser.ports import Work

_KINDS = (("", "configmap"), ("", "secret"))
_USERS = (
    ("apps", "deployment"),
    ("apps", "replicaset"),
    ("apps", "statefulset"),
    ("apps", "controllerrevision"),
    ("apps", "daemonset"),
    ("batch", "job"),
    ("", "pod"),
)


@dataclass
class Pruning:
    """What one delivery leaves behind."""

    api: Api
    work: Work
    tell: Tell

    def run(self) -> None:
        """Look, and remove. Raises ApplyFailed."""
        try:
            mine = [raw for raw in self._mine() if raw["metadata"]["name"] not in self._wanted()]
            if not mine:
                return
            used = self._used()
            for raw in mine:
                name, kind = raw["metadata"]["name"], raw["kind"].lower()
                if (kind, name) not in used and self.api.delete(parse(f"{kind}/{name}"), raw["metadata"]["uid"]):
                    self.tell(Point.PRUNED, f"the {raw['kind']} {name} is removed", None)
        except ApiRefused as refused:
            raise told(refused) from refused

    def _mine(self) -> Iterator[JsonMap]:
        """Those of this environment that were made by content."""
        mark = self.work.mark
        for raw in Look.at(self.api, (), _KINDS).objects.values():
            found = marks.mark_of(raw) if marks.NAME in live.annotations(raw) else None
            ours = (mark.project, mark.environment, mark.history)
            if found is not None and (found.project, found.environment, found.history) == ours:
                yield raw

    def _wanted(self) -> frozenset[str]:
        """ConfigMaps that were delivered now; which Secret was is seen by who refers to it."""
        return frozenset(
            desired.resource.body["metadata"]["name"]
            for desired in self.work.desired
            if desired.resource.id.startswith("configmap/")
        )

    def _used(self) -> frozenset[tuple[str, str]]:
        """What workloads, their former revisions, and pods refer to; of a workload that is gone nothing counts."""
        own = (parse(desired.resource.id) for desired in self.work.desired if desired.resource.secrets)
        objects = Look.at(self.api, own, _USERS).objects.values()
        alive = {raw["metadata"]["uid"] for raw in objects if "deletionTimestamp" not in raw["metadata"]}
        found = set()
        for raw in objects:
            owners = [one["uid"] for one in raw["metadata"].get("ownerReferences") or () if one.get("controller")]
            if raw["kind"] != "Pod" and owners and not alive.intersection(owners):
                continue
            body = raw if raw["kind"] != "ControllerRevision" else {**(raw.get("data") or {}), "kind": "StatefulSet"}
            found |= {(kind, name) for kind in (CONFIG_MAP, SECRET) for name in names(body, kind)}
        return frozenset(found)
