"""Remembered verdicts on signatures, on every database."""

from __future__ import annotations

from dataclasses import replace

from lading.backends.database.service_database import ServiceDatabase
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.trust.verdicts import VerdictRow
from lading.services.trust_modes import Mode

DIGEST, OTHER = Digest.of(b"image"), Digest.of(b"other")
ROW = VerdictRow(
    Reference.parse("registry.test/team/app:1"), DIGEST, 2, 10.5, True, Mode.ENFORCE, {"signers": ["ana.pub"]}
)


def test_a_verdict_comes_back_as_it_was(database: ServiceDatabase) -> None:
    rows = database.trust_verdicts
    bare = replace(ROW, reference=Reference.parse(f"registry.test/team/app@{OTHER}"), digest=OTHER, environment=None)
    nobody = replace(bare, reference=Reference.parse("registry.test/a"), trusted=None, mode=Mode.OFF, told={})
    for row in (ROW, bare, nobody):
        rows.put_verdict(row)

    assert rows.verdicts_of([DIGEST]) == [ROW]
    assert rows.verdicts_of([OTHER]) == [nobody, bare]
    assert rows.verdicts_of([Digest.of(b"unknown")]) == []
    assert rows.verdicts_of([]) == []


def test_a_newer_verdict_replaces_the_one_of_that_name_and_digest_alone(database: ServiceDatabase) -> None:
    rows = database.trust_verdicts
    moved = replace(ROW, digest=OTHER)
    newer = replace(ROW, at=20.0, trusted=False, mode=Mode.REPORT, told={})
    for row in (ROW, moved, newer):
        rows.put_verdict(row)

    assert rows.verdicts_of([DIGEST]) == [newer]
    assert rows.verdicts_of([OTHER]) == [moved]


def test_what_was_not_asked_for_long_is_forgotten(database: ServiceDatabase) -> None:
    rows = database.trust_verdicts
    rows.put_verdict(ROW)
    rows.put_verdict(replace(ROW, digest=OTHER, at=20.0))

    rows.forget_verdicts(15.0)

    assert [row.digest for row in rows.verdicts_of([DIGEST, OTHER])] == [OTHER]
