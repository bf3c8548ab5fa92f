"""One's own manifests: the files, folders and kustomizations of `manifests`, read and put together with the patches."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from releaser.declarations import kustomize, manifest_yaml
from releaser.declarations.files import ProjectFiles, Unreadable
from releaser.declarations.problems import problem
from releaser.declarations.yaml_text import MAX_BYTES
from releaser.model.errors import Problem
from releaser.model.tree import MAP, Node
from releaser.model.value import JsonMap, Location, parse_path
from releaser.planning import manifests
from releaser.planning.manifests import Names, Objects, Source

MAX_FILES = 1_000
MAX_TOTAL = 32 * 1024 * 1024  # bytes of all files of an environment
ENDINGS = (".yaml", ".yml", ".json")


class Own(NamedTuple):
    """What `manifests` and `patches` of an environment come to."""

    objects: Mapping[str, JsonMap]
    root: Node  # the merged document with the objects in it, for origins
    problems: tuple[Problem, ...]


def without_patches(layers: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The layers without their `patches`, and these: they are no values to merge, but go over the manifests in turn."""
    patches = [layer.value["patches"] for layer in layers if "patches" in layer.value]
    kept = []
    for layer in layers:
        node = Node(layer.kind, {key: one for key, one in layer.value.items() if key != "patches"}, *_place(layer))
        node.keys, node.layer = layer.keys, layer.layer
        kept.append(node)
    return kept, [patch for patch in patches if patch.kind == MAP]


def read(config: JsonMap, root: Node, patches: Sequence[Node], files: ProjectFiles, builtins: Mapping[str, str]) -> Own:
    """The objects of an environment, and what is wrong with them."""
    declared: Mapping[str, JsonMap] = config.get("manifests") or {}
    if not declared and not patches and not config.get("image_paths"):
        return Own({}, root, ())
    if config["engine"]["kind"] != "kubernetes":
        return Own({}, root, tuple(_refused(config, root, patches)))
    reading = _Reading(files, root)
    reading.problems.extend(_no_paths(config, root))
    sources = [reading.source(name, entry) for name, entry in declared.items()]
    if reading.problems:
        return Own({}, root, tuple(reading.problems))
    names = Names({**config.get("vars", {}), **builtins}, config["engine"].get("namespace"))
    made = manifests.assemble(sources, patches, names)
    return Own(made.values, _beside(root, made), made.problems)


def names(declared: Mapping[str, JsonMap], files: ProjectFiles) -> Iterator[str]:
    """The files that the sources rest on, relative to the root; those of a source that cannot be read are left out."""
    for entry in declared.values():
        try:
            yield from _paths(entry, files)
        except Unreadable:
            continue


def _paths(entry: JsonMap, files: ProjectFiles) -> Sequence[str]:
    """The files of a source. Raises Unreadable."""
    if "file" in entry:
        return (entry["file"],)
    if "kustomization" in entry:
        return kustomize.rests_on(files, entry["kustomization"])[0]
    folder = entry["folder"]
    names = files.listed(folder)
    if any(name in names for name in kustomize.NAMES):
        raise Unreadable(f"`{folder}` is a kustomization", f"write `kustomization: {folder}`")
    paths = [str(Path(folder) / name) for name in names if name.endswith(ENDINGS) and not name.startswith(".")]
    if not paths:
        raise Unreadable(f"`{folder}` has no files that end in {', '.join(ENDINGS)}", "folders in it are not read")
    if len(paths) > MAX_FILES:
        raise Unreadable(f"`{folder}` has more than {MAX_FILES} files", "split it")
    return paths


class _Reading:
    """Files → documents, within limits that hold for all sources together."""

    def __init__(self, files: ProjectFiles, root: Node) -> None:
        self.problems: list[Problem] = []
        self._files = files
        self._root = root
        self._left = MAX_TOTAL

    def source(self, name: str, entry: JsonMap) -> Source:
        """What one entry has in it."""
        declared = self._root.value["manifests"].value[name]
        word = next(word for word in ("file", "folder", "kustomization") if word in entry)
        documents: list[Node] = []
        try:
            if word == "kustomization":
                documents = self._built(entry[word])
            else:
                for path in _paths(entry, self._files):
                    documents += self._read(path)
        except Unreadable as error:
            self.problems.append(problem(error.message, error.hint, declared.value[word].location))
        return Source(name, documents, replaces=entry.get("vars", True))

    def _built(self, folder: str) -> list[Node]:
        own = kustomize.file_of(self._files, folder)
        _, problems = kustomize.rests_on(self._files, folder)
        self.problems.extend(problems)
        if problems:
            return []
        before = len(self.problems)
        documents = self._parsed(kustomize.build(self._files, folder), own)
        manifest_yaml.placed(documents, own)
        told = (problem(wrong.message, wrong.hint, _first(own)) for wrong in self.problems[before:])
        self.problems[before:] = told  # a line of what was built is a line of no file
        return documents

    def _read(self, path: str) -> list[Node]:
        return self._parsed(self._files.read(path, MAX_BYTES), path)

    def _parsed(self, data: bytes, path: str) -> list[Node]:
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"all manifests have more than {MAX_TOTAL // 1024 // 1024} MiB", "split the environment")
        documents, problems = manifest_yaml.read(data, path)
        self.problems.extend(problems)
        return documents


def _refused(config: JsonMap, root: Node, patches: Sequence[Node]) -> Iterator[Problem]:
    kind = config["engine"]["kind"]
    declared = ((word, root.value.get(word)) for word in ("manifests", "image_paths"))
    for word, node in (*declared, *(("patches", patch) for patch in patches)):
        if node is not None and node.value:
            first = next(iter(node.value))
            message = f"`{word}` are for Kubernetes, and the engine is {kind}"
            yield problem(
                message, "remove them here, or choose `engine: {kind: kubernetes, …}`", node.key_location(first)
            )


def _no_paths(config: JsonMap, root: Node) -> Iterator[Problem]:
    """Texts of `image_paths` that spell no path."""
    for kind, texts in (config.get("image_paths") or {}).items():
        for text, node in zip(texts, root.value["image_paths"].value[kind].value, strict=True):
            try:
                parse_path(text)
            except ValueError:
                yield problem(f"`{text}` is no path", "write it as a plan shows it: spec.image", node.location)


def _beside(root: Node, made: Objects) -> Node:
    """The document with the objects in it."""
    whole = Node(root.kind, {**root.value, "objects": Node(MAP, made.nodes, *_place(root))}, *_place(root))
    whole.keys, whole.layer, whole.action, whole.below, whole.removed = (
        root.keys,
        root.layer,
        root.action,
        root.below,
        root.removed,
    )
    return whole


def _first(file: str) -> Location:
    return Location(file=file, line=1, column=1)


def _place(node: Node) -> tuple[str, int, int]:
    return node.file, node.line, node.column
