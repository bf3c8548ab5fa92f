"""The changes of a plan as blocks of lines: one a resource, or one for many that change alike."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from releaser.cli.output import Output
from releaser.cli.values import SECRET, SECRET_CHANGED, cells, cut, padded, pair, shown
from releaser.model.drift import DriftItem
from releaser.model.plan import CREATE, DELETE, REPLACE, UNCHANGED, UPDATE, Change, FieldChange
from releaser.planning.redact import printable
from releaser.planning.wording import count

SYMBOLS: Mapping[str, str] = {CREATE: "+", UPDATE: "~", REPLACE: "±", DELETE: "-"}
WORDS: Mapping[str, str] = {CREATE: "add", UPDATE: "change", REPLACE: "replace", DELETE: "remove"}
STYLES: Mapping[str, str] = {CREATE: "add", UPDATE: "change", REPLACE: "change", DELETE: "remove"}

MANY = 12
"""Resources from which on those that change alike share a block."""
BY_ENGINE = "set by the engine"
"""What stands where the declarations' line would."""
INDENT = 6
LEAST = 16
"""The columns below which a value is not cut to fit beside its path, but gets a line of its own."""


class Row(NamedTuple):
    """One path of a block."""

    path: str
    value: str
    origin: str


def blocks(out: Output, changes: Sequence[Change], drift: Sequence[DriftItem] = ()) -> Iterator[list[str]]:
    """Every block's lines; what stays as it is has none."""
    changed = [change for change in changes if change.action != UNCHANGED]
    alike = _alike(changed) if len(changed) > MANY and not out.verbose else [[change] for change in changed]
    width = max((len(WORDS[change.action]) for change in changed), default=0)
    names = max((cells(g[0].resource) for g in alike if len(g) == 1 and g[0].action == CREATE), default=0)
    for group in alike:
        yield _block(out, group, width, min(names, out.width // 2))
    for item in drift:
        head = f"  {out.style('!', 'warn')} {padded(item.kind, 9)} {out.style(printable(item.resource), 'name')}"
        rows = [Row(printable(f.path), _arrow(f.recorded, f.live, out), "") for f in item.fields]
        yield [head, *_rows(out, rows)]


def _alike(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes grouped by what is done and at which paths; the order of first appearance is kept."""
    groups: dict[tuple[str, tuple[str, ...]], list[Change]] = {}
    for change in changes:
        paths = tuple(field.path for field in change.fields) if change.action in {UPDATE, REPLACE} else ()
        alone = (change.resource,) if change.server else ()  # what the engine makes of it is shown
        groups.setdefault((change.action, (*paths, *alone)), []).append(change)
    return list(groups.values())


def _block(out: Output, group: Sequence[Change], width: int, column: int) -> list[str]:
    """A group's lines; `width` is that of the words before the names, `column` that of the names of new resources."""
    action = group[0].action
    mark = out.style(f"{SYMBOLS[action]} {WORDS[action]:{width}}", STYLES[action])
    names = [printable(change.resource) for change in group]
    room = out.width - 6 - width
    head = f"  {mark}  {_names(out, names, room)}"
    if action == DELETE or (action == CREATE and len(group) > 1):
        return [head]
    server = [_server_row(out, field) for field in group[0].server] if len(group) == 1 else []
    if action == CREATE and not out.verbose:
        gap = " " * (max(column - cells(names[0]), 0) + 2)
        content = _content(group[0].fields, room - cells(names[0] + gap))
        return [head + gap + out.style(content, "dim") if content else head, *_rows(out, server)]
    alike = zip(*(change.fields for change in group), strict=True)
    return [head, *_rows(out, [*(_row(out, fields, created=action == CREATE) for fields in alike), *server])]


def _names(out: Output, names: Sequence[str], room: int) -> str:
    if len(names) == 1:
        return out.style(names[0], "name")
    some: list[str] = []
    for name in names:
        rest = f" and {len(names) - len(some)} more"
        if some and cells(", ".join([*some, name])) + len(rest) > room:
            return out.style(", ".join(some), "name") + f" and {len(names) - len(some)} more"
        some.append(name)
    return out.style(", ".join(some), "name")


def _content(fields: Sequence[FieldChange], room: int) -> str:
    """What a new resource is, in a few words: its image, its only value, or how much there is of it."""
    telling = [field for field in fields if field.path == "image"] or fields
    if len(telling) == 1 and not telling[0].secret:
        text = shown(telling[0].new)
    else:
        text = count(len(fields), "field") if len(fields) > 1 else ""
    return cut(text, room) if room >= LEAST else ""


def _row(out: Output, fields: Sequence[FieldChange], *, created: bool) -> Row:
    """One path; of several resources where they change alike."""
    first = fields[0]
    same_place = first.origin is not None and all(field.origin == first.origin for field in fields)
    origin = f"{first.origin.file}:{first.origin.line}" if same_place and first.origin else ""
    if first.secret:
        value = SECRET if first.old is None else SECRET_CHANGED
    elif any((field.old, field.new) != (first.old, first.new) for field in fields):
        value, origin = f"({len(fields)} different values)", ""
    elif created:
        value = shown(first.new, whole=out.verbose)
    else:
        value = _arrow(first.old, first.new, out)
    return Row(printable(first.path), value, printable(origin))


def _server_row(out: Output, field: FieldChange) -> Row:
    """A value that nobody declared, and the engine would set."""
    value = shown(field.new, whole=out.verbose) if field.old is None else _arrow(field.old, field.new, out)
    return Row(printable(field.path), value, BY_ENGINE)


def _arrow(old: object, new: object, out: Output) -> str:
    left, right = pair(old, new, whole=out.verbose)
    return f"{left} → {right}"


def _rows(out: Output, rows: Sequence[Row]) -> Iterator[str]:
    """Rows with their columns below each other; on a narrow terminal a row takes lines of its own."""
    if not rows:
        return
    room = out.width - INDENT
    path = min(max(cells(row.path) for row in rows), max(room // 3, 20))
    origin = max(cells(row.origin) for row in rows)
    value = room - path - 2 - (origin + 2 if origin else 0)
    widest = min(max(cells(row.value) for row in rows), max(value, 0))
    for row in rows:
        if out.verbose or (value >= LEAST and cells(row.path) <= path):
            text = row.value if out.verbose else _cut_pair(row.value, value)
            line = f"{padded(row.path, path)}  {padded(text, widest)}"
            yield " " * INDENT + (f"{line}  {out.style(row.origin, 'dim')}" if row.origin else line.rstrip())
        else:
            yield from _packed(out, row, room)


def _packed(out: Output, row: Row, room: int) -> Iterator[str]:
    """A row in as few lines as its parts take, all but the first further in."""
    line = cut(row.path, room)
    used = cells(line)
    value = row.value if used + 2 + cells(row.value) <= room else _digests(row.value)
    for text, style in ((value, ""), (row.origin, "dim")):
        if text and used + 2 + cells(text) <= room:
            line, used = f"{line}  {out.style(text, style)}", used + 2 + cells(text)
        elif text:
            yield " " * INDENT + line
            fitting = _cut_pair(text, room - 2)
            line, used = "  " + out.style(fitting, style), 2 + cells(fitting)
    yield " " * INDENT + line


def _digests(value: str) -> str:
    """`repository@old → @new` without the repository: the digests tell them apart."""
    left, arrow, right = value.partition(" → ")
    return f"{left[left.rfind('@') :]} → {right}" if arrow and right.startswith("@") else value


def _cut_pair(value: str, width: int) -> str:
    """`old → new` in at most `width` columns, both of them told apart."""
    if cells(value) <= width or " → " not in value:
        return cut(value, width)
    left, _, right = _digests(value).partition(" → ")
    half = (width - 3) // 2
    if cells(left) <= half:
        return f"{left} → {cut(right, width - 3 - cells(left))}"
    if cells(right) <= half:
        return f"{cut(left, width - 3 - cells(right))} → {right}"
    return f"{cut(left, half)} → {cut(right, width - 3 - half)}"
