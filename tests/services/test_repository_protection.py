"""What a protected tag protects, step by step: each way around a rule that another registry left open has a case."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX
from lading.services.repositories.edits import DropTag, HoldManifest, PointTag
from lading.services.repositories.errors import (
    ContentProtected,
    Entangled,
    Protected,
    StillNeeded,
)
from lading.services.repositories.protection import MOST_ABOVE, MOST_ROUNDS, Protection
from lading.services.repositories.rows import HeldManifest
from lading.services.repositories.rules import WHOLE, Protects, Releases, Rule, Step
from tests.services.protected_registry import (
    CONFIG,
    COSIGN,
    DAY,
    FALLBACK,
    IMAGE,
    IMAGE_DIGEST,
    INDEX,
    LAYER,
    LIST,
    LONGER,
    NOW,
    OF_SIGNATURE,
    OTHER,
    OUTER,
    SECOND,
    SECOND_DIGEST,
    SIGNATURE_DIGEST,
    Registry,
    manifest,
)


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
