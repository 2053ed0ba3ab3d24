"""How a protected tag is released once, and what becomes of rules when a repository is deleted or renamed."""

from __future__ import annotations

import pytest

from lading.services.named_rows import NameTaken
from lading.services.repositories import decisions
from lading.services.repositories.edits import DropRelease, DropTag, PointTag, RenameRepository
from lading.services.repositories.errors import (
    ContentProtected,
    NotProtected,
    Protected,
    ReleaseRefused,
    RepositoryProtected,
    RepositoryUnknown,
)
from lading.services.repositories.rules import WHOLE, Protects, Releases, Rule
from tests.services.protected_registry import (
    CONFIG,
    COSIGN,
    DAY,
    IMAGE,
    LAYER,
    NOW,
    OF_SIGNATURE,
    SECOND,
    SECOND_DIGEST,
    Registry,
    manifest,
)


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
