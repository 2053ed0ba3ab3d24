"""The contract of RepositoryRecords where it is about what a repository is: who may read it, rules, releases, lists."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.services.repositories.edits import (
    DropRelease,
    DropRepository,
    DropTag,
    Edit,
    HoldBlob,
    HoldManifest,
    PointTag,
    ReleaseTag,
    RenameRepository,
    SetRules,
    SetVisibility,
)
from lading.services.repositories.records import RepositoryRecords, RepositoryView
from lading.services.repositories.rows import HeldManifest, NamedTag, Visibility
from lading.services.repositories.rules import WHOLE, Protects, Releases, Rule, TagRelease
from tests.contract.test_repository_records import records
from tests.fakes.repository_rows import held_in

__all__ = ["records"]

NOW = 1_700_000_000.5
TYPE, INDEX_TYPE = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
CONFIG, LAYER = Digest.of(b"config"), Digest.of(b"layer")
IMAGE = HeldManifest(Descriptor(TYPE, Digest.of(b"image"), 500), (CONFIG, LAYER))
SECOND = HeldManifest(Descriptor(TYPE, Digest.of(b"second", Algorithm.SHA512), 50), (CONFIG,))
INDEX = HeldManifest(
    Descriptor(INDEX_TYPE, Digest.of(b"index"), 7), (IMAGE.descriptor.digest, SECOND.descriptor.digest)
)
DIGEST, SECOND_DIGEST = IMAGE.descriptor.digest, SECOND.descriptor.digest
RULE = Rule(("v*",), ("v0",), Protects.OVERWRITE, Releases.AGE, 60.0)
RELEASE = TagRelease("v1", "why", "ada", NOW, NOW + 60)


def put(records: RepositoryRecords, repository: str, *edits: Edit, now: float = NOW) -> None:
    records.change(repository, lambda _view: edits, now)


def test_a_new_repository_is_private_and_has_no_rules(records: RepositoryRecords) -> None:
    assert records.view("r").visibility() is Visibility.PRIVATE
    put(records, "r", HoldBlob(LAYER, 5))

    assert records.view("r").visibility() is Visibility.PRIVATE
    assert not records.view("r").own_rules()
    assert not records.wide_rules()


def test_what_is_set_is_kept_with_the_repository_alone(records: RepositoryRecords) -> None:
    put(records, "r", SetVisibility(Visibility.PUBLIC), SetRules((RULE, WHOLE)))

    assert records.view("r").visibility() is Visibility.PUBLIC
    assert tuple(records.view("r").own_rules()) == (RULE, WHOLE)
    assert records.view("other").visibility() is Visibility.PRIVATE
    assert set(records.public(["other", "r", "s"])) == {"r"}
    assert not records.public([])
    put(records, "r", SetRules(()))
    assert tuple(records.view("r").own_rules()) == ()


def test_a_change_sees_whether_it_makes_the_repository(records: RepositoryRecords) -> None:
    seen: list[tuple[bool, bool]] = []

    def look(view: RepositoryView) -> Sequence[Edit]:
        seen.append((view.is_there(), view.is_taken("there")))
        return []

    put(records, "there", HoldBlob(LAYER, 5))
    for repository in ("there", "new"):
        records.change(repository, look, NOW)

    assert seen == [(True, True), (False, True)]
    assert not records.knows("new")
    assert records.view("there").is_there()
    assert not records.view("new").is_there()


def test_rules_of_the_registry_are_seen_in_every_change(records: RepositoryRecords) -> None:
    wide = Rule(("**",), repositories=("prod/*",))
    records.set_wide_rules([wide])

    assert tuple(records.wide_rules()) == tuple(records.view("r").wide_rules()) == (wide,)
    records.change("r", lambda view: [SetRules((Rule(view.wide_rules()[0].tags),))], NOW)
    assert [rule.tags for rule in records.rows(["r"])[0].rules] == [wide.tags]
    records.set_wide_rules([])
    assert tuple(records.wide_rules()) == ()


def test_a_tag_knows_when_it_was_made_and_when_it_moved(records: RepositoryRecords) -> None:
    put(records, "r", HoldManifest(IMAGE), HoldManifest(SECOND), PointTag("v1", DIGEST))
    put(records, "r", HoldManifest(IMAGE), now=NOW + 5)
    assert records.view("r").named("v1") == NamedTag("v1", DIGEST, NOW, NOW)

    put(records, "r", PointTag("v1", SECOND_DIGEST), now=NOW + 10)

    assert records.view("r").named("v1") == NamedTag("v1", SECOND_DIGEST, NOW, NOW + 10)
    assert records.view("r").named("v2") is None
    put(records, "r", DropTag("v1"))
    put(records, "r", PointTag("v1", DIGEST), now=NOW + 20)
    assert records.view("r").named("v1") == NamedTag("v1", DIGEST, NOW + 20, NOW + 20)


def test_a_release_is_told_with_its_tag(records: RepositoryRecords) -> None:
    put(records, "r", HoldManifest(IMAGE), PointTag("v1", DIGEST), PointTag("v2", DIGEST), ReleaseTag(RELEASE))
    view = records.view("r")

    assert [(tag.name, tag.release) for tag in view.all_tags()] == [("v1", RELEASE), ("v2", None)]
    assert [(tag.name, tag.release) for tag in view.naming(DIGEST)] == [("v1", RELEASE), ("v2", None)]
    once = TagRelease("v1", "another", "bob", NOW + 1)
    put(records, "r", ReleaseTag(once))
    named = records.view("r").named("v1")
    assert named
    assert named.release == once
    put(records, "r", DropRelease("v1"), DropRelease("v1"))
    named = records.view("r").named("v1")
    assert named
    assert named.release is None


def test_a_release_goes_with_its_tag(records: RepositoryRecords) -> None:
    put(records, "r", HoldManifest(IMAGE), PointTag("v1", DIGEST), PointTag("v2", DIGEST))
    put(records, "r", ReleaseTag(RELEASE), ReleaseTag(replace(RELEASE, tag="v2")))

    put(records, "r", DropTag("v1"))
    put(records, "r", PointTag("v1", DIGEST))

    releases = {tag.name: tag.release for tag in records.view("r").all_tags()}
    assert releases == {"v1": None, "v2": replace(RELEASE, tag="v2")}


def test_manifests_are_found_by_how_their_digest_begins(records: RepositoryRecords) -> None:
    put(records, "r", HoldManifest(IMAGE), HoldManifest(SECOND), HoldBlob(LAYER, 5))
    view = records.view("r")

    assert list(view.beginning(str(DIGEST))) == [DIGEST]
    assert list(view.beginning(str(SECOND_DIGEST)[: len("sha512:") + 64])) == [SECOND_DIGEST]
    assert list(view.beginning("sha256:%")) == []
    assert not list(view.beginning(str(LAYER)))


def test_a_renamed_repository_keeps_everything(records: RepositoryRecords) -> None:
    put(records, "old", HoldManifest(IMAGE), PointTag("v1", DIGEST), ReleaseTag(RELEASE), SetRules((RULE,)))
    before = records.view("old").named("v1")
    put(records, "old", RenameRepository("new"))

    assert not records.knows("old")
    assert records.view("new").named("v1") == before
    assert tuple(records.view("new").own_rules()) == (RULE,)
    put(records, "old", HoldBlob(LAYER, 5))
    assert records.view("old").named("v1") is None
    assert not records.view("old").own_rules()


def test_a_dropped_repository_leaves_nothing(records: RepositoryRecords) -> None:
    edits = (HoldBlob(LAYER, 5), HoldManifest(IMAGE), PointTag("v1", DIGEST), ReleaseTag(RELEASE), SetRules((RULE,)))
    put(records, "r", *edits)
    put(records, "other", HoldBlob(LAYER, 5))
    put(records, "r", DropRepository())

    assert not records.knows("r")
    assert not set(records.reached())
    assert records.view("other").blob(LAYER) == 5
    put(records, "r", HoldManifest(IMAGE), PointTag("v1", DIGEST))
    assert records.view("r").named("v1") == NamedTag("v1", DIGEST, NOW, NOW)
    assert not records.view("r").own_rules()


def test_lists_count_and_add_up(records: RepositoryRecords) -> None:
    put(records, "b", SetVisibility(Visibility.PUBLIC), SetRules((RULE,)))
    put(records, "a", HoldBlob(CONFIG, 2), HoldBlob(LAYER, 5), HoldManifest(IMAGE), HoldManifest(SECOND))
    put(
        records, "a", HoldManifest(INDEX), PointTag("v1", DIGEST), PointTag("all", INDEX.descriptor.digest), now=NOW + 1
    )

    first, second = records.rows(["none", "b", "a"])

    assert (first.name, first.visibility, first.tags, first.size) == ("a", Visibility.PRIVATE, 2, 2 + 5 + 500 + 50 + 7)
    assert (first.created, first.pushed, first.pulled, first.pulls) == (NOW, NOW + 1, None, 0)
    assert (second.name, second.visibility, second.rules) == ("b", Visibility.PUBLIC, (RULE,))
    assert (second.tags, second.size, second.pushed) == (0, 0, None)
    assert not records.rows([])


def test_a_tags_size_is_of_all_that_it_needs_once(records: RepositoryRecords) -> None:
    put(records, "r", HoldBlob(CONFIG, 2), HoldBlob(LAYER, 5), HoldManifest(IMAGE), HoldManifest(SECOND))
    put(records, "r", HoldManifest(INDEX), PointTag("v1", DIGEST), PointTag("all", INDEX.descriptor.digest))
    put(records, "else", HoldBlob(LAYER, 5), HoldBlob(CONFIG, 2), HoldManifest(IMAGE), PointTag("v1", DIGEST))

    found = records.tag_rows("r", ["v1", "none", "all"])

    assert [(row.tag.name, row.media_type, row.size) for row in found] == [
        ("all", INDEX_TYPE, 7 + 500 + 50 + 2 + 5),
        ("v1", TYPE, 500 + 2 + 5),
    ]
    assert not records.tag_rows("r", [])
    assert not records.tag_rows("none", ["v1"])


@pytest.mark.parametrize("count", [1201])
def test_long_lists_are_read_in_parts(records: RepositoryRecords, count: int) -> None:
    tags = [f"t{number:05}" for number in range(count)]
    put(records, "r", HoldManifest(SECOND), *(PointTag(tag, SECOND_DIGEST) for tag in tags))

    assert [row.tag.name for row in records.tag_rows("r", tags)] == tags
    assert len(records.view("r").all_tags()) == count


def test_no_change_that_was_decided_without_a_rule_is_kept_after_it(records: RepositoryRecords) -> None:
    """Whoever was told that a rule stands sees nothing happen later that it forbids."""
    saw: dict[Digest, bool] = {}
    together = threading.Barrier(5)

    def work(repository: str) -> None:
        together.wait()
        for number in range(30):
            digest = Digest.of(f"{repository} {number}".encode())

            def decide(view: RepositoryView, digest: Digest = digest) -> Sequence[Edit]:
                saw[digest] = bool(view.wide_rules())
                return [HoldBlob(digest, 1)]

            records.change(repository, decide, NOW)

    def kept() -> set[Digest]:
        return {digest for name in "abcd" for digest in held_in(records.view(name), list(saw))}

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    together.wait()
    records.set_wide_rules([Rule(("**",), repositories=("*",))])
    before = kept()
    for thread in threads:
        thread.join()

    assert len(kept()) == 120
    assert all(saw[digest] for digest in kept() - before)
