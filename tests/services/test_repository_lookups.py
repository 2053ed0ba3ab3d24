"""What the registry remembers of its rows and of small content: never longer than it is true."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import replace

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldBlob, HoldManifest, PointTag
from lading.services.repositories.lookups import (
    RENEWED_SECONDS,
    SMALL,
    Renewed,
    RepositoryLookups,
    SmallContent,
    Unsteady,
)
from lading.services.repositories.records import RepositoryView
from lading.services.repositories.rows import HeldManifest
from lading.wire.message import BytesContent, Reader, ReadFailed
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.repository_rows import Rows, Viewed

TYPE = "application/vnd.oci.image.manifest.v1+json"


class Commits:
    """Changes that happen when a test says so, and are heard of at once or late."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.count, self.at_once = 0, at_once

    def stamp(self) -> Hashable:
        return self.count

    def woken(self, topic: str | None) -> None:
        self.count += 1


class Kept:
    """Content by digest; counts what it is asked."""

    def __init__(self, *contents: bytes) -> None:
        self.held = {Digest.of(content): content for content in contents}
        self.leased: list[Digest] = []
        self.opened = 0

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        self.leased += digests
        return [digest for digest in digests if digest not in self.held]

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        self.opened += 1
        return BytesContent(self.held[descriptor.digest]).open(offset, length)


def described(content: bytes) -> Descriptor:
    return Descriptor(TYPE, Digest.of(content), len(content))


CONTENT = b'{"schemaVersion":2}'
MANIFEST = described(CONTENT)
OTHER = b'{"schemaVersion":2,"other":1}'


@pytest.fixture
def records() -> MemoryRecords:
    """The repository `app` holds a manifest as `1`, and its bytes as a blob too."""
    records = MemoryRecords()
    held = HoldManifest(HeldManifest(MANIFEST))
    records.change("app", lambda _: [held, PointTag("1", MANIFEST.digest), HoldBlob(MANIFEST.digest, 19)], 0.0)
    return records


def test_what_was_found_is_not_looked_up_again_before_a_commit(records: MemoryRecords) -> None:
    commits, kept = Commits(), Kept(CONTENT)
    lookups = RepositoryLookups(records, kept, commits)

    found = [(lookups.manifest("app", "1"), lookups.blob("app", MANIFEST.digest)) for _ in range(3)]

    assert found == [(MANIFEST, len(CONTENT))] * 3
    assert kept.leased == [MANIFEST.digest] * 2  # once for each question, not for each time it was asked


def test_what_a_manifest_says_of_itself_is_not_remembered(records: MemoryRecords) -> None:
    """It may be megabytes, and whoever asks wants to know where its bytes are."""
    shown = replace(MANIFEST, annotations={"about": "it"}, artifact_type="a/signature")
    held = HeldManifest(shown, children=(Digest.of(OTHER),), subject=Digest.of(OTHER))
    records.change("app", lambda _: [HoldManifest(held)], 0.0)

    assert RepositoryLookups(records, Kept(CONTENT), Commits()).manifest("app", MANIFEST.digest) == MANIFEST


def test_a_commit_by_anybody_has_it_looked_up(records: MemoryRecords) -> None:
    commits, kept = Commits(), Kept(CONTENT, OTHER)
    lookups = RepositoryLookups(records, kept, commits)
    assert lookups.manifest("app", "1") == MANIFEST

    moved = HeldManifest(described(OTHER))
    records.change("app", lambda _: [HoldManifest(moved), PointTag("1", moved.descriptor.digest)], 0.0)
    commits.count += 1

    assert lookups.manifest("app", "1") == moved.descriptor


def test_where_commits_are_heard_of_late_a_tag_is_looked_up_each_time(records: MemoryRecords) -> None:
    lookups = RepositoryLookups(records, Kept(CONTENT, OTHER), Commits(at_once=False))
    assert lookups.manifest("app", "1") == MANIFEST

    moved = HeldManifest(described(OTHER))
    records.change("app", lambda _: [HoldManifest(moved), PointTag("1", moved.descriptor.digest)], 0.0)

    assert lookups.manifest("app", "1") == moved.descriptor


def test_where_commits_are_heard_of_late_nothing_is_remembered_as_missing(records: MemoryRecords) -> None:
    lookups = RepositoryLookups(records, Kept(CONTENT, OTHER), Commits(at_once=False))
    pushed = HeldManifest(described(OTHER))
    digest = pushed.descriptor.digest
    assert (lookups.manifest("app", digest), lookups.blob("app", digest)) == (None, None)

    records.change("app", lambda _: [HoldManifest(pushed), HoldBlob(digest, len(OTHER))], 0.0)

    assert lookups.manifest("app", digest) == pushed.descriptor
    assert lookups.blob("app", digest) == len(OTHER)


class Fleeting(Viewed):
    """Once it has said what a tag names, nothing it was about is there any more: somebody has moved and removed it."""

    def tag(self, tag: str) -> Digest | None:
        digest, self.rows = super().tag(tag), Rows()
        return digest


def test_a_tag_is_looked_up_with_what_it_names(records: MemoryRecords) -> None:
    class Changing(MemoryRecords):
        def view(self, repository: str) -> RepositoryView:
            found = records.view(repository)
            assert isinstance(found, Viewed)
            return Fleeting(self, repository, found.rows)

    assert RepositoryLookups(Changing(), Kept(CONTENT), Commits()).manifest("app", "1") == MANIFEST


def test_nothing_is_remembered_where_nobody_can_tell_of_commits(records: MemoryRecords) -> None:
    kept = Kept(CONTENT)
    lookups = RepositoryLookups(records, kept, Unsteady())

    for _ in range(3):
        lookups.manifest("app", "1")

    assert kept.leased == [MANIFEST.digest] * 3


def test_a_lease_is_renewed_though_nobody_commits(records: MemoryRecords) -> None:
    now, kept = [0.0], Kept(CONTENT)
    lookups = RepositoryLookups(records, kept, Renewed(Commits(), lambda: now[0]))
    for now[0] in (0.0, RENEWED_SECONDS - 1, RENEWED_SECONDS):
        lookups.manifest("app", "1")

    assert kept.leased == [MANIFEST.digest] * 2


@pytest.mark.parametrize(("repository", "reference"), [("app", "2"), ("other", "1"), ("other", MANIFEST.digest)])
def test_what_a_repository_does_not_hold_is_not_found(
    records: MemoryRecords, repository: str, reference: str | Digest
) -> None:
    assert RepositoryLookups(records, Kept(CONTENT), Commits()).manifest(repository, reference) is None


def test_rows_whose_bytes_are_gone_find_nothing(records: MemoryRecords) -> None:
    lookups = RepositoryLookups(records, Kept(), Commits())

    assert (lookups.manifest("app", "1"), lookups.blob("app", MANIFEST.digest)) == (None, None)


def test_small_content_is_read_once() -> None:
    kept = Kept(CONTENT)
    small = SmallContent(kept)

    assert [small.of(MANIFEST) for _ in range(3)] == [CONTENT] * 3
    assert kept.opened == 1


def test_the_least_lately_used_content_goes_first() -> None:
    contents = [bytes([number]) * 100 for number in range(3)]
    kept = Kept(*contents)
    small = SmallContent(kept, memory=200)

    for number in (0, 1, 0, 2, 0, 1):
        small.of(described(contents[number]))

    assert kept.opened == 4  # the second was gone when it was asked for again; the first never


def test_large_content_stays_where_it_is(records: MemoryRecords) -> None:
    large = bytes(SMALL + 1)

    assert RepositoryLookups(records, Kept(large), Commits()).small(described(large)) is None


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT + b" ", b"x" * len(CONTENT)])
def test_damaged_bytes_are_never_answered(damaged: bytes) -> None:
    kept = Kept(CONTENT)
    kept.held[MANIFEST.digest] = damaged

    with pytest.raises(ReadFailed, match=f"{MANIFEST.digest}: its bytes are damaged"):
        SmallContent(kept).of(MANIFEST)
