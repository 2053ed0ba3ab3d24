"""One file to one record, checked before anything of it is kept.

Where a record's id is not its file's name one of them lies, and the record is not taken. Neither is one that breaks the
schema where matching reads it (inventory.advisory).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lading.backends.advisories.packed import packed
from lading.backends.advisories.record_files import record_name
from lading.backends.advisories.yaml_records import YamlRefused, read_yaml
from lading.inventory.advisory import Advisory, AdvisoryInvalid, indexed_name, read_advisory

NAME_LIMIT = 2000
NAMES_LIMIT = 1000
PACKAGES_LIMIT = 200_000
"""Characters of one name; names of one record, and packages."""


class RecordInvalid(Exception):
    """A file that claims to be an advisory and cannot be used."""


@dataclass(frozen=True, slots=True)
class Record:
    """`content` is all of it but its packages, and `affected` what it says of each, by ecosystem and indexed name:
    packed. `modified` is seconds since 1970, None where it does not say. `names` are its id and its aliases."""

    id: str
    modified: float | None
    content: bytes
    affected: Mapping[tuple[str, str], bytes]
    names: frozenset[str]


def read_record(path: str, content: bytes) -> Record | None:
    """None where the file does not claim to be an advisory. Raises RecordInvalid."""
    if b"modified" not in content or b"id" not in content:
        return None
    try:
        value = _json(content) if path.lower().endswith(".json") else read_yaml(content)
        if not isinstance(value, dict) or not {"id", "modified"} <= value.keys():
            return None
        return _record(record_name(path), value, read_advisory(value))
    except (ValueError, YamlRefused, AdvisoryInvalid, RecursionError, MemoryError) as error:
        raise RecordInvalid from error


def _json(content: bytes) -> object:
    return json.loads(content, parse_constant=_no_number)


def _no_number(word: str) -> object:
    raise ValueError(word)


def _record(expected: str | None, value: dict[str, object], advisory: Advisory) -> Record:
    names = frozenset(advisory.names)
    if advisory.id != expected or len(names) > NAMES_LIMIT or len(advisory.affected) > PACKAGES_LIMIT:
        raise RecordInvalid
    entries: dict[tuple[str, str], list[object]] = {}
    affected = value.pop("affected", None)
    for entry in affected if isinstance(affected, list) else []:
        package = _package(entry)
        if package is not None:
            entries.setdefault(package, []).append(entry)
    _check_names([*names, *(name for package in entries for name in package)])
    parts = {package: packed(said) for package, said in entries.items()}
    return Record(advisory.id, advisory.modified, packed(value), parts, names)


def _package(entry: object) -> tuple[str, str] | None:
    """What it is found by; None where it names no package."""
    package = entry.get("package") if isinstance(entry, dict) else None
    if not isinstance(package, dict):
        return None
    ecosystem, name = package.get("ecosystem"), package.get("name")
    if not isinstance(ecosystem, str) or not isinstance(name, str) or not ecosystem or not name:
        return None
    return ecosystem, indexed_name(ecosystem, name)


def _check_names(names: list[str]) -> None:
    for name in names:
        if len(name) > NAME_LIMIT or "\0" in name or any("\ud800" <= each <= "\udfff" for each in name):
            raise RecordInvalid
