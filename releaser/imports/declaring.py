"""An imported Compose project as the declarations: what `release init --from` writes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from releaser.imports import left_words
from releaser.imports.checking import cross_checked, fitting, for_docker, refused_by_docker
from releaser.imports.fitting import fit
from releaser.imports.images import ImportedImage, images
from releaser.imports.pipeline import create_command, pipeline
from releaser.imports.project import Project
from releaser.imports.report import Report
from releaser.imports.sections import Sections
from releaser.imports.services import Context, service
from releaser.imports.settling import Decisions, Exposed, Missing, Settled, Settling, Var
from releaser.imports.tree import Node, entries, refused
from releaser.imports.writing import yaml
from releaser.model.documents import ImportedSecret, LeftOut
from releaser.model.errors import Problem
from releaser.model.value import Location

SECTIONS = ("name", "include", "services", "volumes", "networks", "configs", "secrets")
"""The words of a whole Compose file that are translated."""

_MODELINE = "# yaml-language-server: $schema=schemas/layer.schema.json\n"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the declarations are to be like."""

    project: str
    environments: Sequence[str]  # the first one is where Compose runs the project now
    fresh: bool = False  # Compose does not run it: nothing is there to be used in place
    decisions: Decisions = field(default_factory=Decisions)
    repositories: Mapping[str, str] = field(default_factory=dict)  # image → where it is, if elsewhere


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The declarations, and what a person has to know or to decide."""

    files: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    refused: tuple[Problem, ...]
    secrets: tuple[ImportedSecret, ...]
    placeholders: tuple[str, ...]
    create: str
    version: str
    by_looks: Mapping[str, Location]  # names that were taken for secrets, and that nobody decided about
    exposed: tuple[Exposed, ...]  # secrets where none can be referred to
    missing: tuple[Missing, ...]  # variables that must have a value

    @property
    def undecided(self) -> bool:
        """Whether nothing may be written yet."""
        return bool(self.exposed or self.missing)


def declare(project: Project, wishes: Wishes) -> Imported:
    """The declarations of a project. Raises InvalidDeclarations with what Compose would refuse too."""
    report = Report()
    used = images(project, wishes.repositories)
    sections = Sections(project, report)
    layer = _translated(project, used, sections, report)
    cross_checked(layer, {image.name for image in used.values()})
    there = {} if wishes.fresh else sections.in_place(layer)
    here = Node({kind: Node(nodes, layer.place) for kind, nodes in there.items() if nodes}, layer.place)
    settling = Settling(wishes.decisions, frozenset(project.section("secrets")))
    base, own = _settled(layer, here, settling)
    first, *others = wishes.environments
    files = {
        "envs/pipeline.yaml": pipeline(
            wishes.project, tuple(used.values()), tuple(wishes.environments), project.sources
        ),
        "envs/base.yaml": _base(base, settling, project),
        f"envs/{first}.yaml": _entry(own, settling.result, project, fresh=wishes.fresh),
        **{f"envs/{name}.yaml": _further(name) for name in others},
    }
    version, create = create_command(tuple(used.values()))
    return Imported(
        files=files,
        left_out=report.left(),
        refused=refused_by_docker(layer, wishes.project),
        secrets=tuple(settling.secrets.imported),
        placeholders=tuple(sorted({image.name for image in used.values() if image.placeholder})),
        create=create,
        version=version,
        by_looks=settling.result.by_looks,
        exposed=tuple(settling.result.exposed),
        missing=tuple(dict.fromkeys(settling.result.missing)),
    )


# --- translated ---


def translated(project: Project, report: Report) -> Node:
    """The layer of every environment, its values still texts that know their variables."""
    return _translated(project, images(project, {}), Sections(project, report), report)


def _translated(project: Project, used: Mapping[str, ImportedImage], sections: Sections, report: Report) -> Node:
    _tell_what_is_not_there(project, report)
    context = Context(project=project, images=used, sections=sections, report=report)
    services = {name: service(name, context) for name in project.services}
    place = project.tree.place
    found = {"services": Node(services, place, _keys(project.tree, "services"))}
    for kind, nodes in sections.shared().items():
        fitted = {name: fit(node, (kind, name), report) for name, node in nodes.items()}
        if fitted:
            found[kind] = Node(fitted, place, _keys(project.tree, kind))
    return for_docker(fitting(Node(found, place), report), report)


def _tell_what_is_not_there(project: Project, report: Report) -> None:
    """Words of the whole file that have no place, and services that are not chosen."""
    if not project.services:
        raise refused("no service is left to deliver", "--profile NAME chooses those of a profile", project.tree.place)
    for word, child in entries(project.tree):
        if word in SECTIONS or word.startswith("x-") or child.value is None:
            continue
        reason = left_words.DOCUMENT.get(word, left_words.UNKNOWN)
        report.leave((word,), project.tree.key_place(word), reason.why, harmless=reason.harmless)
    for name, profiles in project.unchosen.items():
        place = project.tree.value["services"].key_place(name)
        why = f"none of its profiles is chosen: --profile {profiles[0]}"
        report.leave(("services", name), place, why, harmless=True)


def _keys(tree: Node, section: str) -> dict[str, Location]:
    found = tree.value.get(section)
    return dict(found.keys) if found is not None else {}


def _settled(layer: Node, here: Node, settling: Settling) -> tuple[Node, Node]:
    services = layer.value["services"]
    for _, node in entries(services):
        settling.learn(node)
    made = services.with_value({name: settling.service(name, node) for name, node in entries(services)})
    rest = {kind: settling.tree(node, (kind,)) for kind, node in layer.value.items() if kind != "services"}
    return layer.with_value({"services": made, **rest}), settling.tree(here, ())


# --- written ---


def _base(layer: Node, settling: Settling, project: Project) -> str:
    place = layer.place
    variables = {
        name: _noted(place, var.default if var.default is not None else var.value, _unset(var))
        for name, var in settling.result.vars.items()
    }
    secrets = {
        name: Node({"from": Node("env", place), "name": Node(source, place)}, place)
        for name, source in settling.secrets.sources.items()
    }
    values = {"vars": Node(variables, place)} if variables else {}
    values |= {kind: layer.value[kind] for kind in ("services", "configs") if kind in layer.value}
    declared = {**dict(entries(layer.value.get("secrets"))), **secrets}
    if declared:
        values["secrets"] = Node(declared, place)
    values |= {kind: layer.value[kind] for kind in ("volumes", "networks") if kind in layer.value}
    sources = _one_line(", ".join(project.sources))
    head = f"{_MODELINE}# What all environments share; made of {sources} of the Compose project {project.name}.\n"
    return head + yaml(Node(values, place))


def _unset(var: Var) -> str:
    return "" if var.origin or var.default is not None else "not set for Compose either"


def _entry(own: Node, settled: Settled, project: Project, *, fresh: bool) -> str:
    place = own.place
    variables = {
        name: _noted(place, var.value, f"from {_one_line(var.origin)}")
        for name, var in settled.vars.items()
        if var.default is not None and var.value != var.default
    }
    adopts = {} if fresh else {"adopts": Node(project.name, place)}
    values = {"engine": Node({"kind": Node("docker", place), **adopts}, place)}
    if variables:
        values["vars"] = Node(variables, place)
    head = (
        f"{_MODELINE}# Where Compose runs the project {project.name} now: its volumes and networks are used in place.\n"
    )
    if fresh:
        head = f"{_MODELINE}# This environment alone.\n"
    return head + yaml(Node({**values, **own.value}, place))


def _noted(place: Location, value: str, note: str) -> Node:
    made = Node(value, place)
    made.note = note
    return made


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]", "?", text)


def _further(name: str) -> str:
    return f"""\
{_MODELINE}\
# {name} alone: its volumes and networks are its own. Without an engine, deliveries are compose files in deploy/{name}.
# engine: {{kind: docker, host: "ssh://user@host"}}
vars: {{}}
"""
