"""Numbered migrations: read from their files, run forward only, each in one transaction with its own row."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("migrations")
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.([a-z]+)\.sql\Z")
_MIN_READER = re.compile(r"^-- min_reader: (\d+)$", re.MULTILINE)


class Migration(NamedTuple):
    """One step of a schema; `min_reader` is the lowest schema that a program must know to use what it leaves."""

    number: int
    name: str
    sql: str
    min_reader: int

    @property
    def checksum(self) -> str:
        """Of the file: what was run is what is shipped."""
        return "sha256:" + hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def migrations(dialect: str) -> tuple[Migration, ...]:
    """All that this program knows for one database, in order."""
    return read(dialect, _FOLDER)


def read(dialect: str, folder: Path) -> tuple[Migration, ...]:
    """Those for one database in a folder; raises ValueError where they are not numbered from 1 without a gap."""
    found = sorted((file.name, file) for file in folder.iterdir())
    steps = []
    for name, file in found:
        match = _NAME.match(name)
        if match and match[3] == dialect:
            sql = file.read_text(encoding="utf-8")
            reader = _MIN_READER.search(sql)
            if not reader:
                raise ValueError(f"{name} does not say its min_reader")
            steps.append(Migration(int(match[1]), match[2], sql, int(reader[1])))
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"the migrations for {dialect} are not numbered 1, 2, 3 …")
    return tuple(steps)
