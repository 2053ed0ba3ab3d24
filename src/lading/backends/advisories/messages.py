"""What a process and its importer say to each other, as lines of JSON over pipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lading.backends.advisories.tally import Tally

LINE_LIMIT = 1024 * 1024


class AnswerInvalid(Exception):
    """The child said what no child of ours says."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to import, from a path into a database (tally.Bringing); `scratch` is a folder for what it needs
    itself."""

    database: str
    path: str
    scratch: str
    name: str
    location: str
    now: float
    whole: bool = True
    branch: str | None = None
    built: float | None = None

    def line(self) -> bytes:
        """As the child reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Order:
        """Of our own making: nothing is checked."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Failure:
    """`kind` is broken (the source), full, damaged or unusable (the database, or a file)."""

    kind: str
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """How many files were read so far."""

    count: int


def answer(line: bytes) -> Tally | Failure | Files:
    """What the child says. It has read hostile bytes, so nothing of it is believed unread. Raises AnswerInvalid."""
    try:
        said = json.loads(line)
        if "files" in said:
            return Files(int(said["files"]))
        if "done" in said:
            return Tally(**{name: _number(said["done"], name) for name in Tally.__slots__})
        failed = said["failed"]
        return Failure(str(failed["kind"]), str(failed["reason"]), failed["hint"] and str(failed["hint"]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise AnswerInvalid from error


def _number(members: Mapping[str, object], name: str) -> int:
    value = members[name]
    if not isinstance(value, int):
        raise TypeError(name)
    return value
