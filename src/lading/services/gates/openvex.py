"""OpenVEX 0.2 (openvex-spec 0.2.0): what others say of vulnerabilities in their products, and what we say of ours.

    statement ─┬─ vulnerability: name, @id, aliases
               ├─ products ─┬─ pkg:oci/… : an image, by digest, repository or tag; its subcomponents are packages
               │            ├─ pkg:…     : a package, in whatever image
               │            └─ urn:lading:image:… and urn:lading:package:… : patterns of ours
               └─ status, justification, impact_statement, action_statement

Of several statements about the same the latest counts. A product that names neither an image nor a package is left out,
and the import says so. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import parse_qsl, quote, unquote

from lading.errors import InputInvalid
from lading.inventory.package_urls import image_url
from lading.oci.digest import Digest, DigestInvalid
from lading.oci.instants import instant, parse_instant
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.gates.records import LONGEST_REASON, ExceptionRow
from lading.services.gates.statements import Justification, Status

CONTEXT = "https://openvex.dev/ns/v0.2.0"
MOST_SAID = 10_000
"""Vulnerabilities in products that one document speaks of."""

LONGEST_NAME = 500
IMAGES, PACKAGES = "urn:lading:image:", "urn:lading:package:"

W = TypeVar("W", Status, Justification)

_PACKAGE = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[^*\s]+", re.IGNORECASE)
_IMAGE = re.compile(r"pkg:oci/", re.IGNORECASE)


class OpenVexInvalid(InputInvalid):
    """A document that does not say what OpenVEX 0.2 wants to know; nothing of it is taken."""

    def __init__(self, part: str, rule: str) -> None:
        super().__init__(part, rule)
        self.part, self.rule = part, rule

    def __str__(self) -> str:
        return f"the OpenVEX document's {self.part} {self.rule}"


@dataclass(frozen=True, slots=True)
class VexDocument:
    """What a document says, as exceptions without an id and an end. `left_out` are products that name nothing of
    ours."""

    id: str
    author: str
    rows: tuple[ExceptionRow, ...]
    left_out: tuple[str, ...]


# ── in


def read_openvex(document: object, author: str, now: float) -> VexDocument:
    """`author` is who takes it over, at `now` (seconds since 1970). Raises OpenVexInvalid."""
    members = _object("whole", document)
    if not str(members.get("@context", "")).startswith("https://openvex.dev/ns/v0.2"):
        raise OpenVexInvalid("@context", f"is {CONTEXT}")
    name = _text("@id", members.get("@id"))
    statements = _list("statements", members.get("statements"))
    since = parse_instant(_text("timestamp", members.get("timestamp")))
    if since is None:
        raise OpenVexInvalid("timestamp", "is a moment by RFC 3339")
    said: dict[tuple[str, str, str], tuple[float, ExceptionRow]] = {}
    left_out: dict[str, None] = {}
    for statement in statements:
        found = _object("statements", statement)
        at = parse_instant(str(found.get("timestamp", ""))) or since
        base = _statement(found, author, now, name)
        for image, package_url, product in _products(found):
            if image is None:
                left_out[product] = None
                continue
            row = replace(base, image=image, package_url=package_url)
            key = (row.vulnerability, row.image, row.package_url)
            if key not in said or said[key][0] <= at:
                said[key] = (at, row)
            if len(said) + len(left_out) > MOST_SAID:
                raise OpenVexInvalid("statements", f"speak of more than {MOST_SAID} vulnerabilities in products")
    by = _shown(str(members.get("author", "")))[:LONGEST_NAME]
    return VexDocument(name, by, _rows(said.values()), tuple(left_out))


def _rows(said: Iterable[tuple[float, ExceptionRow]]) -> tuple[ExceptionRow, ...]:
    return tuple(row for _, row in said)


def _statement(statement: Mapping[str, object], author: str, now: float, origin: str) -> ExceptionRow:
    vulnerability = _object("vulnerability", statement.get("vulnerability"))
    status = _word("status", statement.get("status"), Status)
    if status is Status.ACCEPTED:  # our own word, which OpenVEX does not know
        raise OpenVexInvalid("status", "is one that OpenVEX knows")
    said = statement.get("justification")
    justification = None if said is None else _word("justification", said, Justification)
    texts = [statement.get(each) for each in ("impact_statement", "action_statement", "status_notes")]
    reason = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    if status is Status.NOT_AFFECTED and justification is None and not reason:
        raise OpenVexInvalid("statement", "of not_affected needs a justification or an impact_statement")
    given = reason.strip() or (justification.value.replace("_", " ") if justification else f"said by {origin}")
    return ExceptionRow(
        0,
        _text("vulnerability's name", vulnerability.get("name")),
        status,
        _shown(given)[:LONGEST_REASON],
        author,
        now,
        justification=justification,
        origin=origin,
    )


def _products(statement: Mapping[str, object]) -> Iterable[tuple[str | None, str, str]]:
    """Image pattern, package pattern and what the product is called; no image where it names nothing of ours."""
    for product in _list("products", statement.get("products")):
        members = _object("products", product)
        name = _name_of(members)
        image = _image(name)
        if image is None:
            package = _package(name)
            yield (None if package is None else ""), package or "", name
        elif members.get("subcomponents") is None:
            yield image, "", name
        else:
            for part in _list("subcomponents", members["subcomponents"]):
                called = _name_of(_object("subcomponents", part))
                package = _package(called)
                yield (None if package is None else image), package or "", called


def _name_of(component: Mapping[str, object]) -> str:
    """A package URL among its identifiers says more than an @id of another kind."""
    identifiers = component.get("identifiers")
    url = identifiers.get("purl") if isinstance(identifiers, Mapping) else None
    name = component.get("@id")
    if isinstance(name, str) and (name.startswith(("pkg:", IMAGES, PACKAGES)) or not isinstance(url, str)):
        return _text("product's @id", name)
    return _text("product's @id", url)


def _package(name: str) -> str | None:
    """What an exception's `package_url` must be to match this component; None where it is no package."""
    if name.startswith(PACKAGES):
        return _unquoted(name.removeprefix(PACKAGES))
    return name if _PACKAGE.fullmatch(name) and not _IMAGE.match(name) else None


def _image(name: str) -> str | None:
    """What an exception's `image` must be to match this product; None where it is no image."""
    if name.startswith(IMAGES):
        pattern = _unquoted(name.removeprefix(IMAGES))
        return "" if pattern == "*" else pattern
    if not _IMAGE.match(name) or not _PACKAGE.fullmatch(name):
        return None
    bare, _, qualifiers = name.partition("?")
    told = dict(parse_qsl(qualifiers.partition("#")[0]))
    _, _, version = bare.partition("@")
    digest = _digest(unquote(version))
    repository = told.get("repository_url", "")
    if digest is not None:
        return f"{repository}@{digest}" if repository else str(digest)
    return f"{repository}:{told['tag']}" if repository and "tag" in told else repository or None


def _unquoted(text: str) -> str | None:
    """None where it is no pattern that anything could match."""
    pattern = unquote(text)
    return pattern if pattern.isprintable() else None


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except DigestInvalid:
        return None


# ── out


def openvex_json(rows: Iterable[ExceptionRow], author: str, now: float) -> dict[str, object]:
    """The document of these exceptions; its id follows from what it says. `now` is seconds since 1970."""
    statements = [statement_json(row.vulnerability, row, [_product(row)]) for row in rows]
    return vex_document(statements, author, now)


def vex_document(statements: Sequence[Mapping[str, object]], author: str, now: float) -> dict[str, object]:
    """A document around statements."""
    named = Digest.of(json.dumps(statements, sort_keys=True).encode())
    return {
        "@context": CONTEXT,
        "@id": f"urn:lading:openvex:{named.encoded}",
        "author": author,
        "timestamp": instant(now),
        "version": 1,
        "statements": list(statements),
    }


def statement_json(
    vulnerability: str, row: ExceptionRow, products: Sequence[Mapping[str, object]], aliases: Sequence[str] = ()
) -> dict[str, object]:
    """What an exception says of a vulnerability in products: that one is borne tells others that they are affected."""
    named: dict[str, object] = {"name": vulnerability}
    if aliases:
        named["aliases"] = list(aliases)
    told: dict[str, object] = {
        "vulnerability": named,
        "products": list(products),
        "timestamp": instant(row.created),
    }
    match row.status:
        case Status.NOT_AFFECTED:
            told |= {"status": row.status.value, "impact_statement": row.reason}
            if row.justification is not None:
                told["justification"] = row.justification.value
        case Status.ACCEPTED | Status.AFFECTED:
            told |= {"status": Status.AFFECTED.value, "action_statement": row.reason}
        case _:
            told |= {"status": row.status.value, "status_notes": row.reason}
    return told


def image_product(image: str) -> str:
    """What an image's name or pattern is called in a document: a package URL where it is `repository@digest`."""
    try:
        reference = Reference.parse(image) if "*" not in image and "@" in image else None
    except ReferenceInvalid:
        reference = None
    if reference is None or reference.digest is None or str(reference) != image:
        return f"{IMAGES}{quote(image or '*', safe='')}"
    return image_url(reference.repository, reference.digest)


def _product(row: ExceptionRow) -> dict[str, object]:
    if not row.image and _package(row.package_url):
        return {"@id": row.package_url}
    product: dict[str, object] = {"@id": image_product(row.image)}
    if row.package_url:
        url = row.package_url if _package(row.package_url) else f"{PACKAGES}{quote(row.package_url, safe='')}"
        product["subcomponents"] = [{"@id": url}]
    return product


# ── the document's parts


def _object(part: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise OpenVexInvalid(part, "is an object")
    return value


def _list(part: str, value: object) -> Sequence[object]:
    if not isinstance(value, list) or not value:
        raise OpenVexInvalid(part, "are a list of at least one")
    return value


def _text(part: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or not value.isprintable():
        raise OpenVexInvalid(part, f"is a text of 1 to {LONGEST_NAME} visible characters")
    return value


def _shown(text: str) -> str:
    """Others' words as they can be kept and told again: what shows nothing, and half a character, is marked."""
    return "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)


def _word(part: str, value: object, words: type[W]) -> W:
    if not isinstance(value, str) or value not in list(words):
        raise OpenVexInvalid(part, f"is one of {', '.join(words)}")
    return words(value)
