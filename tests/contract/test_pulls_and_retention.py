"""The contract of RepositoryRecords where it is about how long things stay: pulls, rules of retention, lost tags."""

from __future__ import annotations

from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.services.repositories.edits import DropTag, Edit, HoldManifest, PointTag, RenameRepository, SetRetention
from lading.services.repositories.pull_counts import Pulled, PullRecords, Pulls
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import HeldManifest, ManifestRow
from tests.contract.test_repository_records import records

__all__ = ["records"]

NOW = 1_700_000_000.5
TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG = Digest.of(b"config")
IMAGE = HeldManifest(Descriptor(TYPE, Digest.of(b"image"), 500), (CONFIG,))
SECOND = HeldManifest(Descriptor(TYPE, Digest.of(b"second", Algorithm.SHA512), 50), (CONFIG,))
SIGNATURE = HeldManifest(Descriptor(TYPE, Digest.of(b"signature"), 5), (), Digest.of(b"image"))
DIGEST, SECOND_DIGEST = IMAGE.descriptor.digest, SECOND.descriptor.digest
INDEX = HeldManifest(Descriptor("application/x.index", Digest.of(b"index"), 7), (SECOND_DIGEST, DIGEST, CONFIG))
RULE = RetentionRule(("v*",), ("v1",), 3, 30.0, 0.5, 7.0)


class Records(RepositoryRecords, PullRecords, Protocol):
    """Both of them."""


def put(records: RepositoryRecords, *edits: Edit, now: float = NOW) -> None:
    records.change("r", lambda _view: edits, now)


def row_of(records: RepositoryRecords, digest: Digest) -> ManifestRow:
    return next(row for row in records.view("r").manifest_rows() if row.digest == digest)


def test_a_pull_by_tag_counts_for_the_tag_and_its_manifest(records: Records) -> None:
    put(records, HoldManifest(IMAGE), PointTag("v1", DIGEST), PointTag("v2", DIGEST))

    records.count_pulls({Pulled("r", DIGEST, "v1"): Pulls(3, NOW + 1), Pulled("r", DIGEST, None): Pulls(2, NOW + 1)})
    records.count_pulls({Pulled("r", DIGEST, "v1"): Pulls(1, NOW + 7)})

    tags = {tag.name: (tag.pulls, tag.pulled) for tag in records.view("r").all_tags()}
    assert tags == {"v1": (4, NOW + 7), "v2": (0, None)}
    assert row_of(records, DIGEST).pulled == NOW + 7
    (row,) = records.rows(["r"])
    assert (row.pulls, row.pulled) == (6, NOW + 7)
    assert [(each.pulls, each.pulled) for each in records.tag_rows("r", ["v1", "v2"])] == [(6, NOW + 7)] * 2


def test_a_pull_of_what_is_gone_or_named_otherwise_counts_for_nothing_else(records: Records) -> None:
    put(records, HoldManifest(IMAGE), HoldManifest(SECOND), PointTag("v1", DIGEST))
    put(records, PointTag("v1", SECOND_DIGEST))

    records.count_pulls(
        {
            Pulled("r", DIGEST, "v1"): Pulls(1, NOW),
            Pulled("r", CONFIG, "v1"): Pulls(1, NOW),
            Pulled("none", DIGEST, "v1"): Pulls(1, NOW),
        }
    )

    assert records.view("r").all_tags()[0].pulls == 0
    assert row_of(records, DIGEST).pulled == NOW
    assert row_of(records, SECOND_DIGEST).pulled is None
    assert not records.knows("none")


def test_many_repositories_are_counted_at_once(records: Records) -> None:
    put(records, HoldManifest(IMAGE))
    pulls = {Pulled(f"none/{number}", DIGEST, None): Pulls(1, NOW) for number in range(1200)}

    records.count_pulls({**pulls, Pulled("r", DIGEST, None): Pulls(1, NOW)})

    assert records.rows(["r"])[0].pulls == 1


def test_manifest_rows_tell_what_is_below_and_whom_they_are_about(records: Records) -> None:
    put(records, HoldManifest(IMAGE), HoldManifest(SECOND))
    put(records, HoldManifest(INDEX), HoldManifest(SIGNATURE), now=NOW + 1)

    assert list(records.view("r").manifest_rows()) == sorted(
        [
            ManifestRow(DIGEST, pushed=NOW),
            ManifestRow(SECOND_DIGEST, pushed=NOW),
            ManifestRow(INDEX.descriptor.digest, (SECOND_DIGEST, DIGEST), pushed=NOW + 1),
            ManifestRow(SIGNATURE.descriptor.digest, (), DIGEST, pushed=NOW + 1),
        ],
        key=lambda row: row.digest,
    )
    assert not list(records.view("none").manifest_rows())


def test_a_manifest_knows_when_it_lost_a_tag(records: Records) -> None:
    put(records, HoldManifest(IMAGE), HoldManifest(SECOND), PointTag("v1", DIGEST))
    assert row_of(records, DIGEST).untagged is None

    put(records, PointTag("v1", SECOND_DIGEST), now=NOW + 5)
    put(records, DropTag("v1"), now=NOW + 9)
    put(records, HoldManifest(IMAGE), now=NOW + 20)

    assert row_of(records, DIGEST) == ManifestRow(DIGEST, pushed=NOW + 20, untagged=NOW + 5)
    assert records.view("r").pushed(DIGEST) == NOW + 20
    assert records.view("r").pushed(CONFIG) is None
    assert row_of(records, SECOND_DIGEST).untagged == NOW + 9


def test_retention_is_kept_with_the_repository_whatever_it_is_called(records: Records) -> None:
    assert not list(records.view("r").own_retention())
    put(records, SetRetention((RULE, RetentionRule((), untagged_after_days=1.0))))

    assert tuple(records.view("r").own_retention()) == (RULE, RetentionRule((), untagged_after_days=1.0))
    put(records, RenameRepository("s"))
    assert next(iter(records.view("s").own_retention())) == RULE
    assert not list(records.view("r").own_retention())
    records.change("s", lambda _view: [SetRetention(())], NOW)
    assert not list(records.view("s").own_retention())


def test_retention_of_the_whole_registry_is_seen_by_every_repository(records: Records) -> None:
    rule = RetentionRule(("*",), keep_newest=1, repositories=("a/*",))
    records.set_wide_retention([rule])

    assert list(records.wide_retention()) == list(records.view("r").wide_retention()) == [rule]
    assert not list(records.wide_rules())
    records.set_wide_retention([])
    assert not list(records.wide_retention())
