"""What a protected tag protects, step by step: each way around a rule that another registry left open has a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, is_index
from lading.oci.reference import cosign_tags, fallback_tag
from lading.services import repository_decisions as decisions
from lading.services.named_rows import NameTaken
from lading.services.repository_edits import DropRelease, DropTag, Edit, HoldManifest, PointTag, RenameRepository
from lading.services.repository_errors import (
    ContentProtected,
    Entangled,
    NotProtected,
    Protected,
    ReleaseRefused,
    RepositoryProtected,
    RepositoryUnknown,
    StillNeeded,
)
from lading.services.repository_protection import MOST_ABOVE, MOST_ROUNDS, Protection
from lading.services.repository_records import Decide
from lading.services.repository_rows import HeldManifest
from lading.services.repository_rules import WHOLE, Protects, Releases, Rule, Step, TagRelease
from tests.fakes.repository_records import MemoryRecords

NOW = 1_700_000_000.0
DAY = 86_400.0


def manifest(name: bytes, *children: Digest, subject: Digest | None = None, of: str = OCI_MANIFEST) -> HeldManifest:
    return HeldManifest(Descriptor(of, Digest.of(name), len(name)), children, subject)


BLOBS = [Digest.of(name) for name in (b"config", b"layer", b"other")]
CONFIG, LAYER, OTHER = BLOBS
IMAGE = manifest(b"image", CONFIG, LAYER)
SECOND = manifest(b"second", CONFIG, OTHER)
IMAGE_DIGEST, SECOND_DIGEST = IMAGE.descriptor.digest, SECOND.descriptor.digest
INDEX = manifest(b"index", IMAGE_DIGEST, of=OCI_INDEX)
OUTER = manifest(b"outer", INDEX.descriptor.digest, of=OCI_INDEX)
SIGNATURE = manifest(b"signature", CONFIG, LAYER, subject=IMAGE_DIGEST)
SIGNATURE_DIGEST = SIGNATURE.descriptor.digest
OF_SIGNATURE = manifest(b"of signature", CONFIG, subject=SIGNATURE_DIGEST)
FALLBACK, COSIGN = fallback_tag(IMAGE_DIGEST), cosign_tags(IMAGE_DIGEST)[0]
LIST = manifest(b"list", SIGNATURE_DIGEST, of=OCI_INDEX)
LONGER = manifest(b"longer", SIGNATURE_DIGEST, OF_SIGNATURE.descriptor.digest, of=OCI_INDEX)


def named_by(what: HeldManifest) -> Counter[bytes]:
    """There are no bytes here, so a list says no more than digests; test_attached_lists has those that do."""
    return Counter(str(child).encode() for child in what.children[not is_index(what.descriptor.media_type) :])


class Registry:
    """Rows in memory at NOW, with all manifests held in `app`; `v1` names the image."""

    def __init__(self, *rules: Rule) -> None:
        self.records, self.now = MemoryRecords(), NOW
        for digest in BLOBS:
            self(decisions.hold_blob(digest, 5))
        for each in (IMAGE, SECOND, INDEX, OUTER, SIGNATURE, OF_SIGNATURE, LIST, LONGER):
            self.put(each)
        self.put(IMAGE, "v1")
        self.rule(*rules)

    def __call__(self, decide: Decide, repository: str = "app") -> Sequence[Edit]:
        return self.records.change(repository, decide, self.now)

    def rule(self, *rules: Rule) -> None:
        self(decisions.set_rules(rules))

    def put(self, what: HeldManifest, *tags: str) -> Sequence[Edit]:
        return self(decisions.put_manifest("app", what, tags, self.now, named_by))

    def delete(self, digest: Digest) -> Sequence[Edit]:
        return self(decisions.delete_manifest("app", digest, self.now))

    def untag(self, tag: str) -> Sequence[Edit]:
        return self(decisions.delete_tag("app", tag, self.now))

    def release(self, until: float | None = None) -> Sequence[Edit]:
        return self(decisions.release_tag("app", TagRelease("v1", "why", "ada", self.now, until), self.now))

    def rename(self, name: str) -> Sequence[Edit]:
        return self(decisions.rename_repository("app", name, self.now))


def test_the_reason_names_tag_rule_and_whose_it_is() -> None:
    registry = Registry(Rule(("v*", "1.*")))

    with pytest.raises(Protected) as refused:
        registry.put(SECOND, "v1")

    assert str(refused.value) == (
        "tag v1 of app is immutable (rule v*, 1.* of this repository): it cannot be overwritten"
    )
    assert refused.value.hint == "Push under another tag, or have an administrator release this one."


def test_the_reason_says_until_when() -> None:
    registry = Registry(Rule(("v*",), releases=Releases.AGE, after_seconds=30 * DAY))

    with pytest.raises(Protected, match=r"it cannot be deleted before 2023-12-14 22:13 UTC$"):
        registry.untag("v1")
    registry.now += 30 * DAY
    assert registry.untag("v1") == [DropTag("v1")]


def test_several_tags_are_pushed_all_or_none() -> None:
    registry = Registry(Rule(("v1",)))

    with pytest.raises(Protected):
        registry.put(SECOND, "new", "v1")

    assert registry.records.view("app").tag("new") is None
    assert registry.put(IMAGE, "new", "v1") == [PointTag("new", IMAGE_DIGEST)]


def test_a_list_of_what_is_attached_is_forbidden_what_its_image_is() -> None:
    registry = Registry(Rule(("v1",), releases=Releases.AGE, after_seconds=DAY))
    registry.put(LIST, FALLBACK)
    view = registry.records.view("app")
    attached = view.named(FALLBACK)
    assert attached

    forbidden = Protection(view, "app", NOW).forbidden(attached)

    assert [(each.step, each.protected.name, each.until) for each in forbidden] == [
        (Step.OVERWRITE, "v1", NOW + DAY),
        (Step.DELETE, "v1", NOW + DAY),
    ]
    assert not Protection(view, "app", NOW + DAY).forbidden(attached)


@pytest.mark.parametrize(
    ("step", "protects"), [("overwrite", Protects.DELETE), ("delete", Protects.OVERWRITE)], ids=["overwrite", "delete"]
)
def test_what_a_rule_does_not_protect_against_is_free(step: str, protects: Protects) -> None:
    registry = Registry(Rule(("**",), protects=protects))

    edits = registry.put(SECOND, "v1") if step == "overwrite" else registry.untag("v1")

    assert edits == [PointTag("v1", SECOND_DIGEST) if step == "overwrite" else DropTag("v1")]


def test_a_manifest_stays_with_the_tag_that_names_it() -> None:
    """Quay let it go by digest (PROJQUAY-10504)."""
    with pytest.raises(ContentProtected, match=rf"^tag v1 of app .*: {IMAGE_DIGEST} belongs to it and cannot be del"):
        Registry(WHOLE).delete(IMAGE_DIGEST)


LONELY = manifest(b"lonely", CONFIG, subject=IMAGE_DIGEST)
"""A signature that is in no list."""


def far_below(levels: int, *rules: Rule) -> tuple[Registry, Digest]:
    """So many indexes, each in the next, above the image; with the outermost."""
    registry, below = Registry(*rules), IMAGE_DIGEST
    registry.untag("v1")
    registry.put(LONELY)
    for level in range(levels):
        above = manifest(b"level %d" % level, below, of=OCI_INDEX)
        registry.put(above)
        below = above.descriptor.digest
    return registry, below


def test_how_far_up_is_looked_is_bounded_and_beyond_nothing_goes() -> None:
    """While it is looked, everybody else waits; what cannot be told stays."""
    registry, _ = far_below(MOST_ROUNDS, Rule(("other",)))

    with pytest.raises(StillNeeded):
        registry.delete(IMAGE_DIGEST)
    with pytest.raises(Entangled, match=f"^so much leads to {LONELY.descriptor.digest} in app that a"):
        registry.delete(LONELY.descriptor.digest)
    registry.rule()
    assert registry.delete(LONELY.descriptor.digest)


def test_as_far_as_is_looked_a_tag_protects_and_nothing_else_does() -> None:
    registry, outermost = far_below(MOST_ROUNDS - 2, Rule(("other",)))
    registry(lambda _: [PointTag("other", outermost)])

    with pytest.raises(ContentProtected, match=r"^tag other of app is immutable"):
        registry.delete(LONELY.descriptor.digest)
    registry.rule(Rule(("another",)))
    assert registry.delete(LONELY.descriptor.digest)


def test_how_much_is_looked_at_is_bounded() -> None:
    registry, _ = far_below(0, Rule(("other",)))
    registry(lambda _: [HoldManifest(manifest(b"%d" % each, IMAGE_DIGEST, of=OCI_INDEX)) for each in range(MOST_ABOVE)])

    with pytest.raises(Entangled):
        registry.delete(LONELY.descriptor.digest)


def test_a_manifest_stays_with_an_index_however_far_above() -> None:
    registry = Registry()
    registry.put(OUTER, "all")
    registry.untag("v1")
    registry.rule(Rule(("all",)))

    for digest in (IMAGE_DIGEST, INDEX.descriptor.digest):
        with pytest.raises(ContentProtected, match=r"^tag all of app"):
            registry.delete(digest)


def test_what_is_attached_stays_with_the_image() -> None:
    registry = Registry(WHOLE)

    for attached in (SIGNATURE_DIGEST, OF_SIGNATURE.descriptor.digest):
        with pytest.raises(ContentProtected, match=r"^tag v1 of app"):
            registry.delete(attached)
    registry.put(manifest(b"another signature", CONFIG, subject=IMAGE_DIGEST))


def test_the_same_bytes_are_not_called_something_else_under_a_protected_tag() -> None:
    registry = Registry(WHOLE)
    same = HeldManifest(Descriptor(DOCKER_MANIFEST, IMAGE_DIGEST, IMAGE.descriptor.size), (CONFIG,))

    with pytest.raises(ContentProtected):
        registry.put(same)
    registry.rule()
    registry.put(same)


@pytest.mark.parametrize("rule", [Rule(("v1",)), Rule(("v1",), protects=Protects.DELETE), Rule(("sha256-*",))])
def test_a_list_of_what_is_attached_grows_and_loses_nothing(rule: Rule) -> None:
    registry = Registry()
    registry.put(LIST, FALLBACK)
    registry.put(manifest(b"cosign", CONFIG, LAYER), COSIGN)
    registry.rule(rule)

    registry.put(LONGER, FALLBACK)
    registry.put(manifest(b"more cosign", OTHER, LAYER, CONFIG), COSIGN)
    attempts: list[Callable[[], object]] = [
        lambda: registry.put(LIST, FALLBACK),
        lambda: registry.put(manifest(b"less cosign", CONFIG, OTHER), COSIGN),
        lambda: registry.put(IMAGE, FALLBACK),
        lambda: registry.untag(FALLBACK),
        lambda: registry.untag(COSIGN),
        lambda: registry.delete(LONGER.descriptor.digest),
    ]
    for attempt in attempts:
        with pytest.raises(Protected):
            attempt()


def test_a_list_is_not_called_something_else_while_its_image_is_protected() -> None:
    registry = Registry()
    registry.put(LIST, FALLBACK)
    registry.rule(Rule(("v1",)))

    with pytest.raises(ContentProtected, match=r"^tag v1 of app"):
        registry.put(manifest(b"list", of=DOCKER_INDEX))


def test_a_list_about_an_image_that_nothing_protects_is_free() -> None:
    registry = Registry(Rule(("other",)))
    registry.put(LONGER, FALLBACK)

    registry.put(LIST, FALLBACK)
    registry.untag(FALLBACK)


def test_an_image_that_is_named_as_a_list_is_one_does_not_move() -> None:
    registry = Registry()
    registry.put(IMAGE, FALLBACK)
    registry.rule(WHOLE)

    with pytest.raises(Protected):
        registry.put(manifest(b"more layers", CONFIG, LAYER, OTHER), FALLBACK)


def test_a_release_is_used_once() -> None:
    registry = Registry(WHOLE)
    registry.release()

    assert registry.put(IMAGE, "v1") == []
    assert registry.put(SECOND, "v1") == [DropRelease("v1"), PointTag("v1", SECOND_DIGEST)]
    with pytest.raises(Protected):
        registry.put(IMAGE, "v1")


def test_a_release_for_a_time_is_used_often() -> None:
    registry = Registry(WHOLE)
    registry.release(until=NOW + DAY)

    registry.put(SECOND, "v1")
    registry.put(IMAGE, "v1")
    registry.now += DAY
    with pytest.raises(Protected):
        registry.put(SECOND, "v1")


def test_what_belongs_to_a_tag_goes_by_its_release_too() -> None:
    registry = Registry()
    registry.put(manifest(b"cosign", CONFIG, LAYER), COSIGN)
    registry.rule(Rule(("v1",)))
    registry.release()

    assert registry.untag(COSIGN) == [DropRelease("v1"), DropTag(COSIGN)]
    with pytest.raises(ContentProtected):
        registry.delete(OF_SIGNATURE.descriptor.digest)


def test_only_what_is_protected_is_released_and_what_may_be() -> None:
    with pytest.raises(NotProtected):
        Registry().release()
    with pytest.raises(ReleaseRefused):
        Registry(Rule(("**",), releases=Releases.NEVER)).release()
    Registry(WHOLE, Rule(("**",), protects=Protects.DELETE, releases=Releases.NEVER)).release()


def test_a_repository_with_a_protected_tag_is_not_deleted() -> None:
    registry = Registry(WHOLE)

    with pytest.raises(RepositoryProtected):
        registry(decisions.delete_repository("app", NOW))
    registry.rule(Rule(("other",)))
    registry(decisions.delete_repository("app", NOW))
    assert not registry.records.knows("app")
    with pytest.raises(RepositoryUnknown):
        registry(decisions.delete_repository("app", NOW))


def test_a_repository_takes_its_rules_along() -> None:
    registry = Registry(Rule(("**",), protects=Protects.OVERWRITE))
    registry.rename("new")

    with pytest.raises(Protected):
        registry(decisions.put_manifest("new", SECOND, ["v1"], NOW), "new")


def test_a_repository_is_not_renamed_over_another_or_away_from_a_tag_that_may_not_be_deleted() -> None:
    registry = Registry(WHOLE)

    with pytest.raises(RepositoryProtected):
        registry.rename("new")
    registry(decisions.hold_blob(LAYER, 5), "there")
    with pytest.raises(NameTaken):
        registry.rename("there")
    with pytest.raises(RepositoryUnknown):
        registry(decisions.rename_repository("none", "new", NOW), "none")


@pytest.mark.parametrize(("name", "allowed"), [("prod/new", True), ("test/new", False)])
def test_no_tag_is_renamed_out_of_a_rule_of_the_registry(name: str, allowed: bool) -> None:
    registry = Registry()
    registry.rename("prod/app")
    wide = Rule(("v*",), protects=Protects.OVERWRITE, repositories=("prod/*",))
    registry.records.set_wide_rules([wide])
    decide = decisions.rename_repository("prod/app", name, NOW)

    if allowed:
        registry(decide, "prod/app")
    else:
        with pytest.raises(RepositoryProtected):
            registry(decide, "prod/app")


def test_a_rename_uses_the_releases_that_allow_it() -> None:
    registry = Registry(Rule(("v*",)))
    registry.release()

    assert registry.rename("new") == [DropRelease("v1"), RenameRepository("new")]
    with pytest.raises(RepositoryProtected):
        registry(decisions.rename_repository("new", "newer", NOW), "new")


def test_a_rename_out_of_a_rule_of_the_registry_takes_a_release_as_well() -> None:
    registry = Registry()
    registry.records.set_wide_rules([Rule(("v*",), protects=Protects.OVERWRITE, repositories=("app",))])
    with pytest.raises(RepositoryProtected):
        registry.rename("new")
    registry.release()

    assert registry.rename("new") == [DropRelease("v1"), RenameRepository("new")]


def test_a_rename_uses_no_release_that_it_does_not_need() -> None:
    registry = Registry(Rule(("v*",), protects=Protects.OVERWRITE))
    registry.release()

    assert registry.rename("new") == [RenameRepository("new")]


def test_no_tag_is_renamed_out_of_a_rule_into_a_weaker_one() -> None:
    registry = Registry()
    never = Rule(("v*",), protects=Protects.OVERWRITE, releases=Releases.NEVER, repositories=("app",))
    weaker = Rule(
        ("v*",), protects=Protects.OVERWRITE, releases=Releases.AGE, after_seconds=DAY, repositories=("test/*",)
    )
    registry.records.set_wide_rules([weaker, never])

    with pytest.raises(RepositoryProtected):
        registry.rename("test/app")
    registry.records.set_wide_rules([weaker, Rule(("w*",), repositories=("app",))])
    registry.rename("test/app")
