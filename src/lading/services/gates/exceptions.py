"""Exceptions: findings that somebody answers for, with a reason and mostly until a day; and OpenVEX, in and out.

Nothing is hidden: a finding under an exception stays in its scan, marked, and counts no more; one whose exception is
over counts again. For every door; each method asks for permission and keeps the trail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lading.errors import InputInvalid
from lading.oci.instants import instant
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail, row_deed
from lading.services.audit.trail import admit
from lading.services.findings.rows import ScanSubject
from lading.services.findings.scanner import Finding
from lading.services.gates.exception_matching import marked, stands
from lading.services.gates.openvex import VexDocument, openvex_json, read_openvex
from lading.services.gates.records import LONGEST_REASON, ExceptionRow, GateRecords
from lading.services.gates.scans import subject_names
from lading.services.gates.statements import Justification, Status
from lading.services.named_rows import RowUnknown, known
from lading.services.schedules import Chore

W = TypeVar("W", Status, Justification)

LONGEST_PATTERN = 500
LAST_END = 253_370_764_800.0
"""9999-01-01, in seconds since 1970: beyond that year no calendar goes, in one zone earlier than in another."""

LOOK_SECONDS = 60.0
"""How often is looked whether an exception is over."""

_VULNERABILITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{1,99}")
_PACKAGES = ("pkg:", "*")
"""How what may be some package begins: an exception that can be about none would look as if it helped."""


class ExceptionInvalid(InputInvalid):
    """A field of an exception that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the exception's {self.field} {self.rule}"


@dataclass(frozen=True, slots=True)
class ExceptionForm:
    """What somebody wrote of an exception; `expires` is seconds since 1970."""

    vulnerability: str = ""
    reason: str = ""
    package_url: str = ""
    image: str = ""
    status: str | None = None
    justification: str | None = None
    expires: float | None = None

    def row(self, author: str, now: float) -> ExceptionRow:
        """Without an id. Raises ExceptionInvalid."""
        vulnerability, reason = self.vulnerability.strip(), self.reason.strip()
        if not _VULNERABILITY.fullmatch(vulnerability):
            raise ExceptionInvalid("vulnerability", "is an id like CVE-2026-1234")
        if not 0 < len(reason) <= LONGEST_REASON:
            raise ExceptionInvalid("reason", f"has 1 to {LONGEST_REASON} characters")
        status = Status.ACCEPTED if self.status is None else _word("status", self.status, Status)
        if self.justification is not None and status is not Status.NOT_AFFECTED:
            raise ExceptionInvalid("justification", "goes with the status not_affected")
        if status is Status.ACCEPTED and self.expires is None:
            raise ExceptionInvalid("expires", "is missing: what is accepted is accepted until a day")
        _check_end(self.expires, now)
        package_url = _pattern("packageUrl", self.package_url)
        if package_url and not package_url.startswith(_PACKAGES):
            raise ExceptionInvalid("packageUrl", "is one like pkg:pypi/urllib3@1.26, or a pattern of some")
        return ExceptionRow(
            0,
            vulnerability,
            status,
            reason,
            author,
            now,
            package_url,
            _pattern("image", self.image),
            None if self.justification is None else _word("justification", self.justification, Justification),
            self.expires,
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a document: its exceptions as they are kept."""

    document: VexDocument
    rows: Sequence[ExceptionRow]


class Exceptions:
    """For any number of threads."""

    def __init__(
        self, records: GateRecords, trail: Trail, clock: Callable[[], float], changed: Callable[[], object]
    ) -> None:
        """`clock` tells seconds since 1970; `changed` is called where findings are to be marked anew."""
        self._records, self._trail, self._clock, self._changed = records, trail, clock, changed
        self._looked = float("-inf")

    # ── what marks findings

    def suppress(self, subject: ScanSubject, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The same findings, each with what hides it now, and nothing else. Raises StorageFailed."""
        return marked(subject_names(subject), findings, self._records.exceptions(), self._clock())

    def chores(self) -> Sequence[Chore]:
        """Findings count again soon after their exception is over."""
        return [Chore("exception expiry", LOOK_SECONDS, self._look_for_ended)]

    def _look_for_ended(self) -> None:
        """What ended before the first look may have ended unseen."""
        now, since = self._clock(), self._looked
        self._looked = now
        if any(row.expires is not None and since < row.expires <= now for row in self._records.exceptions()):
            self._changed()

    # ── rows

    def list(self, actor: Actor) -> Sequence[ExceptionRow]:
        """In order of id, those that are over too."""
        self._admit(actor, Permission.EXCEPTIONS_VIEW, "list")
        return self._records.exceptions()

    def get(self, actor: Actor, id: int) -> ExceptionRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        self._admit(actor, Permission.EXCEPTIONS_VIEW, "view", id)
        return self._row(id)

    def add(self, actor: Actor, form: ExceptionForm) -> ExceptionRow:
        """Raises ExceptionInvalid."""
        self._admit(actor, Permission.EXCEPTIONS_EDIT, "create", name=form.vulnerability)
        (row,) = self._records.add_exceptions([form.row(actor.name, self._clock())])
        self._record(actor, "create", row)
        self._changed()
        return row

    def change(self, actor: Actor, id: int, form: ExceptionForm) -> ExceptionRow:  # noqa: A002  a row's own word
        """The whole of it, in place of what it was; whoever changes it answers for it. Raises RowUnknown,
        ExceptionInvalid."""
        self._admit(actor, Permission.EXCEPTIONS_EDIT, "update", id)
        made = form.row(actor.name, self._clock())
        while True:  # again where somebody else changed it in between: the trail says what was replaced
            before = self._row(id)
            after = replace(made, id=id, created=before.created, origin=before.origin)
            if self._records.change_exception(before, after):
                break
        self._record(actor, "update", after, before)
        self._changed()
        return after

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        self._admit(actor, Permission.EXCEPTIONS_EDIT, "delete", id)
        row = self._row(id)
        if not self._records.remove_exception(id):
            raise RowUnknown("exception", id)
        self._record(actor, "delete", row)
        self._changed()

    # ── OpenVEX

    def take(self, actor: Actor, document: object, expires: float | None) -> Imported:
        """A document's statements as exceptions until `expires`; a newer one with the same id replaces what an older
        one brought. Raises OpenVexInvalid, ExceptionInvalid."""
        self._admit(actor, Permission.EXCEPTIONS_EDIT, "import")
        now = self._clock()
        _check_end(expires, now)
        read = read_openvex(document, actor.name, now)
        rows = self._records.add_exceptions([replace(row, expires=expires) for row in read.rows], replacing=read.id)
        details = {
            "author": read.author,
            "exceptions": len(rows),
            "vulnerabilities": list(dict.fromkeys(row.vulnerability for row in rows))[:100],
            "leftOut": len(read.left_out),
        }
        self._trail.record(actor, Deed("import", "exception", read.id, read.id, details=details), Result.DONE)
        self._changed()
        return Imported(read, rows)

    def document(self, actor: Actor) -> dict[str, object]:
        """All that stands now, as one OpenVEX document."""
        self._admit(actor, Permission.EXCEPTIONS_VIEW, "export")
        now = self._clock()
        standing = [row for row in self._records.exceptions() if stands(row, now)]
        return openvex_json(standing, actor.name, now)

    # ── their parts

    def _row(self, id: int) -> ExceptionRow:  # noqa: A002  a row's own word
        return known(self._records.exception(id), "exception", id)

    def _admit(
        self,
        actor: Actor,
        permission: Permission,
        action: str,
        id: int | None = None,  # noqa: A002  a row's own word
        name: str = "",
    ) -> None:
        admit(self._trail, actor, permission, row_deed(action, "exception", id, name))

    def _record(self, actor: Actor, action: str, row: ExceptionRow, before: ExceptionRow | None = None) -> None:
        details: dict[str, object] = {"exception": exception_json(row)}
        if before is not None:
            details["before"] = exception_json(before)
        deed = row_deed(action, "exception", row.id, row.vulnerability, details)
        self._trail.record(actor, deed, Result.DONE)


def exception_json(row: ExceptionRow) -> dict[str, object]:
    """For others; what is left open is null."""
    return {
        "id": row.id,
        "vulnerability": row.vulnerability,
        "packageUrl": row.package_url or None,
        "image": row.image or None,
        "status": row.status.value,
        "justification": None if row.justification is None else row.justification.value,
        "reason": row.reason,
        "author": row.author,
        "createdAt": instant(row.created),
        "expires": None if row.expires is None else instant(row.expires),
        "origin": row.origin or None,
    }


def _check_end(expires: float | None, now: float) -> None:
    if expires is not None and expires <= now:
        raise ExceptionInvalid("expires", "is over already")
    if expires is not None and expires >= LAST_END:
        raise ExceptionInvalid("expires", "is after the year 9998")


def _pattern(field: str, text: str) -> str:
    pattern = text.strip()
    if len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
        raise ExceptionInvalid(field, f"has at most {LONGEST_PATTERN} visible characters")
    return "" if pattern == "*" else pattern


def _word(field: str, value: str, words: type[W]) -> W:
    if value not in list(words):
        raise ExceptionInvalid(field, f"is one of {', '.join(words)}")
    return words(value)
