"""The contract of RepositoryRecords, run on every implementation."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.database.postgres import open_postgres
from lading.backends.database.repositories import DatabaseRecords, open_records
from lading.errors import Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.services.repositories.edits import DropBlob, DropManifest, DropTag, Edit, HoldBlob, HoldManifest, PointTag
from lading.services.repositories.records import RepositoryRecords, RepositoryView
from lading.services.repositories.rows import HeldManifest, NamedTag, Names, UploadSession
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.repository_rows import held_in
from tests.peers.postgres_server import RunningPostgres

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
NOW = 1700000000.0
LAYER, CONFIG, OTHER = Digest.of(b"layer"), Digest.of(b"config"), Digest.of(b"other", Algorithm.SHA512)
IMAGE = HeldManifest(Descriptor(MANIFEST, Digest.of(b"image"), 500), (CONFIG, LAYER))


def memory(_folder: Path) -> AbstractContextManager[RepositoryRecords]:
    return nullcontext(MemoryRecords())


def sqlite(folder: Path) -> AbstractContextManager[RepositoryRecords]:
    return closing(open_records(folder / "lading.db"))


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.peer("postgres"))])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RepositoryRecords]:
    if request.param == "postgres":
        server: RunningPostgres = request.getfixturevalue("postgres")
        opening: AbstractContextManager[RepositoryRecords] = closing(DatabaseRecords(open_postgres(server.prepared())))
    else:
        opening = {"memory": memory, "sqlite": sqlite}[request.param](tmp_path)
    with opening as opened:
        yield opened


def put(records: RepositoryRecords, repository: str, *edits: Edit) -> None:
    records.change(repository, lambda _view: edits, NOW)


def names(tags: Sequence[NamedTag]) -> list[str]:
    return [tag.name for tag in tags]


def signature(of: Digest, content: bytes = b"signature") -> HeldManifest:
    descriptor = Descriptor(
        MANIFEST, Digest.of(content), 7, artifact_type="application/x.signature", annotations={"by": "me", "ø": "ü"}
    )
    return HeldManifest(descriptor, (CONFIG,), of)


def test_a_repository_is_there_from_its_first_edit(records: RepositoryRecords) -> None:
    put(records, "a/b")
    assert not records.knows("a/b")

    put(records, "a/b", HoldBlob(LAYER, 5))

    assert records.knows("a/b")
    assert not records.knows("a")


def test_a_view_answers_nothing_for_a_repository_that_is_not_there(records: RepositoryRecords) -> None:
    view = records.view("none")

    assert view.blob(LAYER) is None
    assert view.manifest(LAYER) is None
    assert view.tag("latest") is None
    assert not held_in(view, [LAYER])
    assert not list(view.naming(LAYER))
    assert not list(view.parents_of(LAYER))


def test_what_is_held_is_held_in_that_repository_alone(records: RepositoryRecords) -> None:
    put(records, "one", HoldBlob(LAYER, 5), HoldBlob(OTHER, 0), HoldManifest(IMAGE))

    assert records.view("one").blob(LAYER) == 5
    assert records.view("one").blob(OTHER) == 0
    assert records.view("one").manifest(IMAGE.descriptor.digest) == IMAGE
    assert records.view("two").blob(LAYER) is None
    assert records.view("two").manifest(IMAGE.descriptor.digest) is None


def test_a_manifest_is_described_by_tag_and_digest_without_what_it_says_of_itself(records: RepositoryRecords) -> None:
    found = signature(IMAGE.descriptor.digest)
    digest = found.descriptor.digest
    put(records, "r", HoldBlob(digest, 500))
    assert records.view("r").descriptor(digest) is None
    put(records, "r", HoldManifest(found), PointTag("v1", digest))

    for reference in ("v1", digest):
        assert records.view("r").descriptor(reference) == Descriptor(MANIFEST, digest, found.descriptor.size)
    assert records.view("r").descriptor("v2") is None
    assert records.view("other").descriptor("v1") is None


def test_a_digest_may_be_blob_and_manifest_at_once(records: RepositoryRecords) -> None:
    digest = IMAGE.descriptor.digest
    put(records, "r", HoldBlob(digest, 500))
    assert records.view("r").manifest(digest) is None

    put(records, "r", HoldManifest(IMAGE), DropBlob(digest))

    assert records.view("r").blob(digest) is None
    assert records.view("r").manifest(digest) == IMAGE


def test_blobs_and_manifests_are_held_apart(records: RepositoryRecords) -> None:
    put(records, "r", HoldBlob(LAYER, 5), HoldManifest(IMAGE))

    view, asked = records.view("r"), [LAYER, IMAGE.descriptor.digest, OTHER]

    assert set(view.held_blobs(asked)) == {LAYER}
    assert set(view.held_manifests(asked)) == {IMAGE.descriptor.digest}


def test_what_leads_to_several_is_told_at_once(records: RepositoryRecords) -> None:
    digest, about = IMAGE.descriptor.digest, signature(IMAGE.descriptor.digest)
    index = HeldManifest(Descriptor(MANIFEST, Digest.of(b"index"), 7), (digest,))
    for repository in ("r", "other"):
        put(records, repository, HoldManifest(IMAGE), HoldManifest(about), HoldManifest(index))
    put(records, "r", PointTag("b", digest), PointTag("a", index.descriptor.digest), PointTag("c", digest))
    view, many = records.view("r"), [Digest.of(b"%d" % number) for number in range(1200)]

    assert set(view.above([digest])) == {index.descriptor.digest}
    assert set(view.above([*many, about.descriptor.digest, CONFIG])) == {digest, about.descriptor.digest}
    assert not view.above([index.descriptor.digest])
    assert names(view.naming_any([*many, digest, index.descriptor.digest])) == ["a", "b", "c"]
    assert names(view.naming_any([about.descriptor.digest])) == []
    assert not records.view("none").above([digest])


def test_many_digests_can_be_asked_at_once(records: RepositoryRecords) -> None:
    put(records, "r", HoldBlob(LAYER, 5))
    asked = [Digest.of(str(number).encode()) for number in range(2500)]

    assert held_in(records.view("r"), [*asked, LAYER]) == {LAYER}


def test_edits_may_be_repeated(records: RepositoryRecords) -> None:
    edits = (HoldBlob(LAYER, 5), HoldManifest(IMAGE), PointTag("v1", IMAGE.descriptor.digest))
    put(records, "r", *edits)
    put(records, "r", *edits)

    assert records.view("r").tag("v1") == IMAGE.descriptor.digest
    assert list(records.view("r").parents_of(LAYER)) == [IMAGE.descriptor.digest]


def test_a_manifest_is_replaced_by_one_of_its_digest(records: RepositoryRecords) -> None:
    other = HeldManifest(Descriptor("application/x", IMAGE.descriptor.digest, 500), (OTHER,))
    put(records, "r", HoldManifest(IMAGE))
    put(records, "r", HoldManifest(other))

    assert records.view("r").manifest(IMAGE.descriptor.digest) == other
    assert not list(records.view("r").parents_of(LAYER))
    assert list(records.view("r").parents_of(OTHER)) == [IMAGE.descriptor.digest]


def test_tags_move_and_go(records: RepositoryRecords) -> None:
    second = signature(OTHER)
    put(records, "r", HoldManifest(IMAGE), HoldManifest(second), PointTag("v1", IMAGE.descriptor.digest))
    put(records, "r", PointTag("v1", second.descriptor.digest), PointTag("v2", second.descriptor.digest))
    assert names(records.view("r").naming(second.descriptor.digest)) == ["v1", "v2"]
    assert not names(records.view("r").naming(IMAGE.descriptor.digest))

    put(records, "r", DropTag("v1"))

    assert records.view("r").tag("v1") is None
    assert records.view("r").tag("v2") == second.descriptor.digest


def test_tags_and_repositories_are_listed_by_code_point_in_pages(records: RepositoryRecords) -> None:
    tags = ["0", "9", "B", "_", "a", "a.b", "a_"]
    put(records, "r", HoldManifest(IMAGE), *(PointTag(tag, IMAGE.descriptor.digest) for tag in reversed(tags)))
    for name in ("b", "a/b", "a", "a-b"):
        put(records, name, HoldBlob(LAYER, 5))

    assert list(records.tags("r", "", 100)) == tags
    assert list(records.tags("r", "B", 2)) == ["_", "a"]
    assert list(records.tags("r", "A", 0)) == []
    assert list(records.repositories("", 100)) == ["a", "a-b", "a/b", "b", "r"]
    assert list(records.repositories("a-b", 2)) == ["a/b", "b"]


def test_referrers_are_listed_with_what_they_say_of_themselves(records: RepositoryRecords) -> None:
    image = IMAGE.descriptor.digest
    first, second = sorted((signature(image, b"1"), signature(image, b"2")), key=lambda found: found.descriptor.digest)
    put(records, "r", HoldManifest(second), HoldManifest(first), HoldManifest(IMAGE))

    listed = list(records.referrers("r", image))
    assert listed == [first.descriptor, second.descriptor]
    assert dict(listed[0].annotations) == {"by": "me", "ø": "ü"}
    assert not list(records.referrers("other", image))


def test_referrers_are_listed_of_one_type_and_after_a_digest(records: RepositoryRecords) -> None:
    image, sbom = IMAGE.descriptor.digest, "application/x.sbom"
    found = [signature(image, str(number).encode()) for number in range(1200)]
    large = [replace(each, descriptor=replace(each.descriptor, size=4_000_000)) for each in found[:3]]
    typed = [replace(each, descriptor=replace(each.descriptor, artifact_type=sbom)) for each in found[5:8]]
    kept = [*large, *found[3:5], *typed, *found[8:]]
    put(records, "r", HoldManifest(IMAGE), *map(HoldManifest, kept))
    every = sorted((each.descriptor for each in kept), key=lambda each: each.digest)
    sboms = [each for each in every if each.artifact_type == sbom]

    assert list(records.referrers("r", image)) == every
    assert list(records.referrers("r", image, sbom)) == sboms
    assert list(records.referrers("r", image, sbom, str(sboms[0].digest))) == sboms[1:]
    assert list(records.referrers("r", image, None, str(every[-2].digest))) == every[-1:]
    assert not list(records.referrers("r", image, "application/x.none"))
    assert list(records.referrers("r", image, None, "sha256")) == every
    assert not list(records.referrers("r", image, None, "t\0"))


def test_a_dropped_manifest_takes_its_children_and_referrer_rows(records: RepositoryRecords) -> None:
    found = signature(IMAGE.descriptor.digest)
    put(records, "r", HoldManifest(found))

    put(records, "r", DropManifest(found.descriptor.digest))

    assert not list(records.referrers("r", IMAGE.descriptor.digest))
    assert not list(records.view("r").parents_of(CONFIG))
    assert not set(records.reached())


def test_what_decide_raises_passes_and_nothing_changes(records: RepositoryRecords) -> None:
    def refuse(view: RepositoryView) -> Sequence[Edit]:
        assert view.blob(LAYER) is None
        raise Refused("no")

    with pytest.raises(Refused):
        records.change("r", refuse, NOW)

    assert not records.knows("r")
    put(records, "r", HoldBlob(LAYER, 5))


def test_change_returns_the_edits(records: RepositoryRecords) -> None:
    assert list(records.change("r", lambda _view: [HoldBlob(LAYER, 5)], NOW)) == [HoldBlob(LAYER, 5)]


def test_decisions_about_one_repository_see_each_other(records: RepositoryRecords) -> None:
    """Eight threads each move the tag only where it is absent: one wins."""
    put(records, "r", HoldManifest(IMAGE))
    together = threading.Barrier(8)

    def point_if_absent(view: RepositoryView) -> Sequence[Edit]:
        return [] if view.tag("once") else [PointTag("once", IMAGE.descriptor.digest)]

    applied: list[Sequence[Edit]] = []

    def run() -> None:
        together.wait()
        applied.append(records.change("r", point_if_absent, NOW))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(len(edits) for edits in applied) == [0] * 7 + [1]


def test_holders_names_the_repositories_with_a_blob(records: RepositoryRecords) -> None:
    for name in ("c", "a", "b"):
        put(records, name, HoldBlob(LAYER, 5))
    put(records, "d", HoldManifest(IMAGE))

    assert list(records.holders(LAYER, 2)) == ["a", "b"]
    assert not list(records.holders(IMAGE.descriptor.digest, 2))


def test_release_keeps_what_a_manifest_needs_in_any_repository(records: RepositoryRecords) -> None:
    put(records, "a", HoldBlob(LAYER, 5), HoldBlob(OTHER, 6))
    put(records, "b", HoldBlob(LAYER, 5), HoldBlob(CONFIG, 2), HoldManifest(IMAGE), HoldBlob(OTHER, 6))
    nowhere = Digest.of(b"nowhere")

    assert set(records.reached()) == {LAYER, CONFIG, IMAGE.descriptor.digest}
    released = records.release([LAYER, CONFIG, OTHER, nowhere, IMAGE.descriptor.digest])

    assert set(released) == {OTHER, nowhere}
    assert records.view("a").blob(OTHER) is None
    assert records.view("b").blob(OTHER) is None
    assert records.view("a").blob(LAYER) == 5


def test_upload_sessions_are_remembered_until_they_end(records: RepositoryRecords) -> None:
    old, new = UploadSession("1", "a", 100.0), UploadSession("2", "b/c", 200.5)
    records.begin_upload(new)
    records.begin_upload(old)

    assert records.upload("2") == new
    assert list(records.uploads()) == [old, new]
    assert list(records.uploads(begun_before=200.5)) == [old]

    records.end_upload("1")
    records.end_upload("1")

    assert records.upload("1") is None
    assert list(records.uploads()) == [new]


def test_a_page_of_names_keeps_what_holds_the_text_and_counts_all_of_it(records: RepositoryRecords) -> None:
    for name in ("team/web", "team/api", "other/web", "web_x"):
        put(records, name, HoldBlob(LAYER, 5))

    assert records.names("", 0, 3) == Names(["other/web", "team/api", "team/web"], 4)
    assert records.names("", 3, 3) == Names(["web_x"], 4)
    assert records.names("WEB", 1, 1) == Names(["team/web"], 3)
    assert records.names("_", 0, 5) == Names(["web_x"], 1)
    assert records.names("none", 0, 5) == Names([], 0)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["team/*"], ["team/api", "team/x/web"]),
        (["team/api", "*web"], ["team/api", "team/x/web", "web"]),
        (["*/x/*", "none"], ["team/x/web"]),
        (["Team/*"], []),
        (["team_*", "t?am/*", "[t]eam/*", "team\\*", "%"], []),
        ([], []),
    ],
)
def test_a_page_of_names_keeps_what_matches_a_pattern(
    records: RepositoryRecords, patterns: Sequence[str], found: Sequence[str]
) -> None:
    for name in ("team/x/web", "team/api", "web", "other"):
        put(records, name, HoldBlob(LAYER, 5))

    assert records.names("", 0, 10, patterns) == Names(found, len(found))
    assert records.names("api", 0, 10, patterns).names == [name for name in found if "api" in name]


def test_a_page_of_tags_is_of_one_repository(records: RepositoryRecords) -> None:
    for repository, tags in (("a", ("v1", "v10", "V1-rc", "w")), ("b", ("v1",))):
        put(records, repository, HoldBlob(LAYER, 5), HoldBlob(CONFIG, 3), HoldManifest(IMAGE))
        put(records, repository, *(PointTag(tag, IMAGE.descriptor.digest) for tag in tags))

    assert records.tag_names("a", "v1", 0, 2) == Names(["V1-rc", "v1"], 3)
    assert records.tag_names("a", "v1", 2, 2) == Names(["v10"], 3)
    assert records.tag_names("a", "", 0, 10).total == 4
    assert records.tag_names("none", "", 0, 10) == Names([], 0)
