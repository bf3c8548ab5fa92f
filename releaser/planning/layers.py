"""Layers on top of each other: which files are there at the end, and what was in vain; pure.

Source: the OCI image specification's layer.md (whiteouts, opaque folders). Efficiency is dive's idea: the part of all
bytes that no later layer overwrote or removed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from releaser.model.image_content import (
    FILE,
    FOLDER,
    HARD_LINK,
    LINK,
    OPAQUE,
    WHITEOUT,
    Entry,
    FileSize,
    ImageContent,
    ImageReport,
    LayerReport,
)
from releaser.model.value import JsonMap
from releaser.planning.secret_texts import hidden, hidden_value, hidden_variable, hidden_words

_ARGUMENTS = re.compile(r"(?s)\A(RUN )?\|\d+ .*? (?=/\S+ (?:-\S+ |pipefail )*?-c )")
"""What a step had for build arguments, as both builders write it: |2 A=1 B=2 /bin/sh -c true."""
LARGEST = 5
"""Files that are named of a layer, or of a waste."""


def files(content: ImageContent) -> dict[str, Entry]:
    """The files that are there at the end; of a file's hard links the first by name is the file, whoever came first."""
    stack = _stacked(content)
    for path, file in stack.linked.items():
        if path == file.holder and path != (first := min(file.names)):
            file.holder, link = first, stack.there[first]
            stack.there[first] = replace(stack.there[path], path=first)
            stack.there[path] = replace(link, path=path)
    for path, file in stack.linked.items():
        if path != file.holder:
            stack.there[path] = replace(stack.there[path], content=file.holder)
    return stack.there


def report(content: ImageContent) -> ImageReport:
    """An image from the inside."""
    stacked = _stacked(content)
    config: Any = content.config.get("config") or {}
    size = sum(sum(entry.size for entry in layer.entries) for layer in content.layers)
    wasted = sum(stacked.wasted)
    return ImageReport(
        reference=content.reference,
        digest=content.digest,
        platform=_platform(content.config),
        platforms=content.platforms,
        created=content.config.get("created"),
        user=config.get("User") or "",
        working_dir=config.get("WorkingDir") or "/",
        entrypoint=hidden_words(config.get("Entrypoint") or ()),
        command=hidden_words(config.get("Cmd") or ()),
        ports=tuple(sorted(config.get("ExposedPorts") or ())),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        environment=tuple(map(hidden_variable, config.get("Env") or ())),
        labels={name: hidden_value(name, text) for name, text in (config.get("Labels") or {}).items()},
        size=size,
        wasted=wasted,
        efficiency=round(1 - wasted / size, 4) if size else 1.0,
        waste=_largest(stacked.waste),
        layers=tuple(_layer(content, stacked, at) for at in range(len(content.layers))),
        container=None,
    )


class _Linked:
    """A file with several names: the one that has its entry, and hard links to it."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.names = {holder: None}  # in the order in which they came


class _Stack:
    """The layers so far, and what each did to those below."""

    def __init__(self, layers: int) -> None:
        self.there: dict[str, Entry] = {}
        self.layer: dict[str, int] = {}  # path → the layer that it is of
        self.children: dict[str, set[str]] = {}
        self.linked: dict[str, _Linked] = {}  # each of a file's names, where it has several
        self.counts = [[0, 0, 0] for _ in range(layers)]  # added, changed, removed
        self.wasted = [0] * layers
        self.waste: dict[str, int] = {}

    def put(self, entry: Entry, at: int) -> None:
        """An entry of the layer `at`."""
        if entry.kind == WHITEOUT:
            self._remove(entry.path, at)
        elif entry.kind == OPAQUE:
            for child in tuple(self.children.get(entry.path, ())):
                if self.layer.get(child) != at:
                    self._remove(child, at)
        else:
            before = self.there.get(entry.path)
            if before is None:
                self.counts[at][0] += entry.kind != FOLDER
            elif entry.kind != FOLDER or before.kind != FOLDER:
                self.counts[at][1] += 1
                self._let_go(entry.path, before)
            if entry.kind != FOLDER:
                for child in tuple(self.children.get(entry.path, ())):
                    self._remove(child, at)
            self._keep(entry, at)
            if entry.kind == HARD_LINK:
                self._link(entry)

    def _link(self, entry: Entry) -> None:
        """Another name of a file; it is none where it leads nowhere, or to itself."""
        target = self.there.get(entry.content or "")
        if target is None or target.kind == FOLDER or target.path == entry.path:
            return
        if target.kind != HARD_LINK:
            self.linked.setdefault(target.path, _Linked(target.path))
        if (file := self.linked.get(target.path)) is not None:
            file.names[entry.path] = None
            self.linked[entry.path] = file

    def _keep(self, entry: Entry, at: int) -> None:
        self.there[entry.path], self.layer[entry.path] = entry, at
        path = entry.path
        while path:
            above = path.rpartition("/")[0]
            if above in self.there and self.there[above].kind not in {FOLDER, LINK}:
                self._remove(above, at)  # a folder has taken its place
            known = self.children.setdefault(above, set())
            if path in known:
                break
            known.add(path)
            path = above

    def _remove(self, path: str, at: int) -> None:
        self.children.get(path.rpartition("/")[0], set()).discard(path)
        going = [path]
        while going:
            path = going.pop()
            going += self.children.pop(path, ())
            gone = self.there.pop(path, None)
            if gone is not None:
                self.counts[at][2] += gone.kind != FOLDER
                self._let_go(path, gone)
                del self.layer[path]

    def _let_go(self, path: str, gone: Entry) -> None:
        """A name leads elsewhere now: its bytes were in vain, but where the file has another one."""
        file = self.linked.pop(path, None)
        if file is None:
            self._waste(path, gone)
            return
        del file.names[path]
        if path == file.holder and file.names:
            file.holder, _ = file.names.popitem()
            file.names[file.holder] = None
            self.there[file.holder] = replace(gone, path=file.holder)
            self.layer[file.holder] = self.layer[path]
        elif path == file.holder:
            self._waste(path, gone)

    def _waste(self, path: str, gone: Entry) -> None:
        if gone.kind == FILE and gone.size:
            self.wasted[self.layer[path]] += gone.size
            self.waste[path] = self.waste.get(path, 0) + gone.size


def _stacked(content: ImageContent) -> _Stack:
    stack = _Stack(len(content.layers))
    for at, layer in enumerate(content.layers):
        # What a layer hides is of those below it, so it goes first.
        for hides in (True, False):
            for entry in layer.entries:
                if (entry.kind in {WHITEOUT, OPAQUE}) == hides:
                    stack.put(entry, at)
    return stack


def _layer(content: ImageContent, stack: _Stack, at: int) -> LayerReport:
    layer, (added, changed, removed) = content.layers[at], stack.counts[at]
    instructions = list(_instructions(content.config))
    return LayerReport(
        digest=layer.digest,
        size=layer.size,
        files_size=sum(entry.size for entry in layer.entries),
        instruction=hidden(instructions[at]) if len(instructions) == len(content.layers) else "",
        added=added,
        changed=changed,
        removed=removed,
        wasted=stack.wasted[at],
        largest=_largest({entry.path: entry.size for entry in layer.entries if entry.kind == FILE}),
    )


def _instructions(config: JsonMap) -> Iterator[str]:
    """What made each layer, in the Dockerfile's words as far as the history has them."""
    history: Any = config.get("history") or ()
    for one in history:
        if not one.get("empty_layer"):
            text = str(one.get("created_by") or one.get("comment") or "")
            yield _instruction(text.removesuffix(" # buildkit"))


def _instruction(text: str) -> str:
    text = _ARGUMENTS.sub(r"\1", text)
    for start, word in (("/bin/sh -c #(nop) ", ""), ("/bin/sh -c ", "RUN "), ("RUN /bin/sh -c ", "RUN ")):
        if text.startswith(start):
            return word + text.removeprefix(start).strip()
    return text


def _largest(sizes: Mapping[str, int]) -> tuple[FileSize, ...]:
    found = sorted(((size, path) for path, size in sizes.items() if size), key=lambda one: (-one[0], one[1]))
    return tuple(FileSize(path=path, size=size) for size, path in found[:LARGEST])


def _platform(config: JsonMap) -> str:
    parts: Sequence[Any] = (config.get("os"), config.get("architecture"), config.get("variant"))
    return "/".join(str(part) for part in parts if part)
