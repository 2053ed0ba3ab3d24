"""Documents: JSON that arrives from outside, read strictly, field by field.

Every other reader of these bytes (registries, Docker, containerd) must see what we see, so whatever two JSON readers
take differently is refused: duplicate members, members that differ only in case, invalid UTF-8 and surrogates,
NaN, deep nesting. `null` counts as absent, as Go's writers mean it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NoReturn

from lading.errors import ContentCorrupt
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported

DOCUMENT_LIMIT = 4 * 1024 * 1024
"""The longest document read, in bytes: the distribution spec's limit of a manifest."""

VALUES_LIMIT = 300_000
"""The most values read: each takes dozens of bytes of memory, however few it has in the text. They are counted by the
marks before them, also where those stand in texts. No manifest of anybody comes near: an entry of an index has a mark
in 20 bytes at the most, and the longest document one in 14."""

NESTING_LIMIT = 64
ENTRY_LIMIT = 20_000
"""The longest list of children or history steps; real images have at most a few hundred."""

SIZE_LIMIT = 2**63 - 1
_DIGITS_LIMIT = 20

Members = Mapping[str, object]


class DocumentInvalid(ContentCorrupt):
    """A document that breaks its specification; names the field and the rule."""

    code = "manifest_invalid"
    what = "the document"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"{self.what} is not valid: {self.field[:160]} {self.rule}"


class Fields:
    """One JSON object inside a document; `path` says where, and `invalid` is raised for whatever is wrong in it."""

    __slots__ = ("_spelled", "invalid", "members", "path")

    def __init__(self, members: Members, path: str, invalid: type[DocumentInvalid]) -> None:
        self.members, self.path, self.invalid = members, path, invalid
        self._spelled: dict[str, str] = {}
        for name in members:
            if self._spelled.setdefault(name.casefold(), name) != name:
                self.refuse(name, "is given twice, in different case")

    def refuse(self, name: str, rule: str) -> NoReturn:
        """Raise this document's error for the field `name`."""
        raise self.invalid(self._where(name), rule)

    def get(self, name: str) -> object:
        """The raw value; None where absent. Go's readers ignore case, so a field in another case is refused."""
        spelled = self._spelled.get(name.casefold())
        if spelled is None:
            return None
        if spelled != name:
            self.refuse(spelled, f"must be written {name}")
        return self.members[name]

    def only(self, *names: str) -> None:
        """Refuses whatever else is here: what nobody reads could mean something to somebody."""
        if strangers := sorted(set(self.members).difference(names)):
            self.refuse(strangers[0], "is not known")

    def text(self, name: str) -> str | None:
        """A string, or None."""
        value = self.get(name)
        if value is not None and not isinstance(value, str):
            self.refuse(name, "must be a string")
        return value

    def required_text(self, name: str) -> str:
        """A string that is there and not empty."""
        value = self.text(name)
        if not value:
            self.refuse(name, "is missing" if value is None else "is empty")
        return value

    def size(self, name: str) -> int:
        """A count of bytes: a whole number from 0, never a float."""
        value = self.get(name)
        if value is None:
            self.refuse(name, "is missing")
        if type(value) is not int:
            self.refuse(name, "must be a whole number")
        if not 0 <= value <= SIZE_LIMIT:
            self.refuse(name, "must be between 0 and 2^63-1")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where absent."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            self.refuse(name, "must be true or false")
        return bool(value)

    def digest(self, name: str) -> Digest:
        """A digest of an algorithm that Lading computes."""
        return self._digest(name, self.required_text(name))

    def digests(self, name: str) -> tuple[Digest, ...]:
        """A list of digests; empty where absent."""
        return tuple(self._digest(f"{name}[{place}]", text) for place, text in enumerate(self.texts(name)))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where absent."""
        return tuple(self._text_at(name, place, value) for place, value in enumerate(self._list(name)))

    def mapping(self, name: str) -> dict[str, str]:
        """An object of strings (annotations, labels); empty where absent."""
        return {key: self._text_at(name, key, value) for key, value in self._object(name).items()}

    def keys(self, name: str) -> tuple[str, ...]:
        """The member names of an object whose values mean nothing (exposed ports, volumes)."""
        return tuple(self._object(name))

    def inner(self, name: str) -> Fields | None:
        """A nested object, or None."""
        if self.get(name) is None:
            return None
        return Fields(self._object(name), self._where(name), self.invalid)

    def each(self, name: str) -> Iterator[Fields]:
        """A list of objects; nothing where absent."""
        for place, value in enumerate(self._list(name)):
            if not isinstance(value, dict):
                self.refuse(f"{name}[{place}]", "must be an object")
            yield Fields(value, self._where(f"{name}[{place}]"), self.invalid)

    def _where(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _digest(self, name: str, text: str) -> Digest:
        try:
            return Digest.parse(text)
        except (DigestInvalid, DigestUnsupported) as error:
            raise self.invalid(self._where(name), f"is wrong: {error}") from error

    def _text_at(self, name: str, place: int | str, value: object) -> str:
        if not isinstance(value, str):
            self.refuse(f"{name}[{place}]", "must be a string")
        return value

    def _list(self, name: str) -> list[object]:
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(name, "must be a list")
        if len(value) > ENTRY_LIMIT:
            self.refuse(name, f"has {len(value)} entries; {ENTRY_LIMIT} are allowed")
        return value

    def _object(self, name: str) -> dict[str, object]:
        value = self.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse(name, "must be an object")
        return value


def read_object(raw: bytes, invalid: type[DocumentInvalid]) -> Fields:
    """A document that is one object. Raises `invalid`."""
    value = read_json(raw, invalid)
    if not isinstance(value, dict):
        raise invalid("the text", "must be a JSON object")
    return Fields(value, "", invalid)


def read_json(raw: bytes, invalid: type[DocumentInvalid]) -> object:
    """Any JSON value, strictly. Raises `invalid` (RFC 8259 with the stricter reading of section 4)."""
    _check_size(raw, invalid)

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise invalid(_first_repeated(pairs), "is given twice")
        return found

    def whole(digits: str) -> int:
        if len(digits) > _DIGITS_LIMIT:
            raise invalid(f"the number {digits[:_DIGITS_LIMIT]}…", "is too large")
        return int(digits)

    def constant(name: str) -> NoReturn:
        raise invalid(f"the number {name}", "is not JSON")

    try:
        text = raw.decode("utf-8")
        value: object = json.loads(text, object_pairs_hook=members, parse_int=whole, parse_constant=constant)
    except UnicodeDecodeError as error:
        raise invalid("the text", f"is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise invalid("the text", f"is not JSON at character {error.pos}") from error
    except RecursionError as error:
        raise invalid("the text", f"is nested deeper than {NESTING_LIMIT} levels") from error
    _check_nesting(value, invalid)
    return value


def write_json(value: object) -> bytes:
    """The one way Lading writes a document: UTF-8, no spaces, members in the order given."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _check_size(raw: bytes, invalid: type[DocumentInvalid]) -> None:
    if len(raw) > DOCUMENT_LIMIT:
        raise invalid("the text", f"has {len(raw)} bytes; {DOCUMENT_LIMIT} are allowed")
    if sum(map(raw.count, (b",", b"[", b"{"))) > VALUES_LIMIT:
        raise invalid("the text", f"has too many values; {VALUES_LIMIT} are allowed")


def _first_repeated(pairs: list[tuple[str, object]]) -> str:
    return next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)


def _check_nesting(value: object, invalid: type[DocumentInvalid]) -> None:
    """Level by level, without recursion; and no text that UTF-8 cannot write (an escaped lone surrogate)."""
    level: list[object] = [value]
    for _ in range(NESTING_LIMIT):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and not _is_writable(item):
                raise invalid("the text", "holds half of a surrogate pair")
        if not below:
            return
        level = below
    raise invalid("the text", f"is nested deeper than {NESTING_LIMIT} levels")


def _is_writable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
