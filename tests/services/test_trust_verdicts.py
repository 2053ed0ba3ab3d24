"""Verdicts that are remembered: which of them say something of an image as it is called now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest

from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environment_images import Summary
from lading.services.trust.image_signatures import names_of
from lading.services.trust.verdicts import TrustVerdicts, VerdictRow
from lading.services.trust_modes import Mode

DIGEST, OTHER = Digest.of(b"image"), Digest.of(b"other")


@dataclass
class Rows:
    """Fulfils VerdictRecords."""

    rows: list[VerdictRow] = field(default_factory=list)

    def put_verdict(self, row: VerdictRow) -> None:
        self.rows.append(row)

    def verdicts_of(self, digests: Collection[Digest]) -> Sequence[VerdictRow]:
        return [row for row in self.rows if row.digest in digests]

    def forget_verdicts(self, before: float) -> None:
        self.rows = [row for row in self.rows if row.at >= before]


def summary(*names: str, digest: Digest = DIGEST, repositories: Sequence[str] = ("r.test/app",)) -> Summary:
    digests = tuple(f"{repository}@{digest}" for repository in repositories)
    return Summary("an id", names, digests, None, 0, {}, ())


def verdict(reference: str, trusted: bool | None, digest: Digest = DIGEST) -> VerdictRow:
    return VerdictRow(Reference.parse(reference), digest, None, 1.0, trusted, Mode.ENFORCE, {})


@pytest.mark.parametrize(
    ("rows", "names", "signed"),
    [
        ([], ["r.test/app:1"], None),
        ([("r.test/app:1", True)], ["r.test/app:1"], True),
        ([("r.test/app:1", False)], ["r.test/app:1"], False),
        ([("r.test/app:1", None)], ["r.test/app:1"], None),
        ([("r.test/app:1", True), ("r.test/app:2", False)], ["r.test/app:1", "r.test/app:2"], False),
        ([("r.test/app:1", True), ("r.test/app:2", False)], ["r.test/app:1"], True),
        ([("r.test/app:1", True)], ["r.test/app:2"], None),
        ([("other.test/app:1", True)], ["r.test/app:1"], None),
        ([(f"r.test/app@{DIGEST}", True)], ["r.test/app:1"], True),
        ([(f"r.test/app@{DIGEST}", False)], [], False),
    ],
)
def test_an_image_is_signed_where_every_name_of_it_that_was_asked_about_is(
    rows: list[tuple[str, bool | None]], names: list[str], signed: bool | None
) -> None:
    known = TrustVerdicts(Rows([verdict(*row) for row in rows]), lambda: 0.0)

    assert known.signed([summary(*names)]).get("an id") is signed


def test_what_was_said_of_another_digest_says_nothing() -> None:
    known = TrustVerdicts(Rows([verdict("r.test/app:1", True, OTHER)]), lambda: 0.0)

    assert known.signed([summary("r.test/app:1")]) == {}


def test_signatures_are_asked_for_by_tag_and_digest_of_each_place() -> None:
    image = summary("r.test/app:1", "r.test/app:2", "local/app:1", repositories=("r.test/app", "s.test/app"))

    assert [str(name) for name in names_of(image)] == [
        f"r.test/app:1@{DIGEST}",
        f"r.test/app:2@{DIGEST}",
        f"s.test/app@{DIGEST}",
    ]
