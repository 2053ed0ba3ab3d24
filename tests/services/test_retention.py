"""Which tags retention keeps and lets go of, and why, by examples."""

from __future__ import annotations

import pytest

from lading.oci.reference import cosign_tags
from lading.services.repositories import decisions
from lading.services.repositories.pull_counts import Pulled, Pulls
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rules import WHOLE, Releases, Rule, TagRelease
from lading.services.retention.retention import NO_RULE, Retention
from tests.fakes.registry_world import (
    DAY,
    IMAGES,
    INDEXES,
)
from tests.fakes.retained import APP, Place


@pytest.fixture
def place() -> Place:
    return Place()


def test_without_a_rule_everything_stays(place: Place) -> None:
    place.put(IMAGES[0], "v1", "dev")

    assert place.kept() == {"dev": True, "v1": True}
    assert {verdict.why for verdict in place.looked().verdicts()} == {NO_RULE}


def test_the_newest_stay_by_when_they_last_moved(place: Place) -> None:
    for day, tag in enumerate(("v1", "v2", "latest", "dev")):
        place.put(IMAGES[day], tag)
        place.later(1)
    place.put(IMAGES[3], "v1")
    place.rule(RetentionRule(("*",), keep_newest=2))

    assert place.kept() == {"dev": True, "latest": False, "v1": True, "v2": False}
    gone = [verdict for verdict in place.looked().verdicts() if not verdict.kept]
    assert {verdict.why for verdict in gone} == {"not one of the newest 2"}
    assert {str(verdict.rule) for verdict in gone} == {"*"}


def test_of_tags_that_moved_at_once_the_last_by_name_are_newer(place: Place) -> None:
    place.put(IMAGES[0], "v1", "v2", "v3")
    place.rule(RetentionRule(("v*",), keep_newest=2))

    assert place.kept() == {"v1": False, "v2": True, "v3": True}


def test_what_moved_lately_stays(place: Place) -> None:
    place.put(IMAGES[0], "v1")
    place.later(3)
    place.put(IMAGES[1], "v2")
    place.later(2)
    place.rule(RetentionRule(("v*",), keep_pushed_days=5))

    assert place.kept() == {"v1": False, "v2": True}


def test_what_was_pulled_lately_stays_also_by_digest(place: Place) -> None:
    by_tag, by_digest, child = place.put(IMAGES[0], "v1"), place.put(IMAGES[1], "v2"), IMAGES[2].descriptor.digest
    place.put(IMAGES[2])
    place.put(IMAGES[3])
    place.put(INDEXES[1], "v3")
    place.put(IMAGES[3], "v4")
    place.later(10)
    now = Pulls(1, place.world.now)
    place.records.count_pulls(
        {Pulled(APP, by_tag, "v1"): now, Pulled(APP, by_digest, None): now, Pulled(APP, child, None): now}
    )
    place.rule(RetentionRule(("v*",), keep_pulled_days=5))
    place.later(4)

    assert place.kept() == {"v1": True, "v2": True, "v3": True, "v4": False}


def test_what_is_new_stays_though_nobody_asked_for_it_yet(place: Place) -> None:
    place.put(IMAGES[0], "v1")
    place.rule(RetentionRule(("v*",), keep_pulled_days=1))

    assert place.kept() == {"v1": True}


def test_one_rule_that_keeps_a_tag_is_enough(place: Place) -> None:
    place.put(IMAGES[0], "v1", "v2", "dev")
    place.records.set_wide_retention(
        [
            RetentionRule(("v2",), keep_newest=1, repositories=("app",)),
            RetentionRule(("*",), keep_newest=0, repositories=("b",)),
        ]
    )
    place.rule(RetentionRule(("*",), ("dev",), keep_newest=0))

    assert place.kept() == {"dev": True, "v1": False, "v2": True}


def test_protection_wins_and_says_so(place: Place) -> None:
    place.put(IMAGES[0], "v1", "v2")
    place.protect(Rule(("v1",)))
    place.rule(RetentionRule(("*",), keep_newest=0))

    protected = place.looked().verdicts()[0]
    assert (protected.kept, protected.rule, protected.why) == (True, Rule(("v1",)), "a rule protects it: v1")
    place.run()
    assert place.tags() == ["v1"]


def test_what_age_or_an_administrator_released_may_go(place: Place) -> None:
    place.put(IMAGES[0], "v1", "v2", "v3")
    place.protect(Rule(("v1",), releases=Releases.AGE, after_seconds=DAY), Rule(("v2", "v3")))
    place.rule(RetentionRule(("*",), keep_newest=0))
    place.later(2)
    released = TagRelease("v2", "old", "ada", place.world.now)
    place.world.repositories.change(APP, decisions.release_tag(APP, released, place.world.now))

    place.run()

    assert place.tags() == ["v3"]


def test_an_immutable_repository_keeps_all_its_tags(place: Place) -> None:
    place.put(IMAGES[0], "v1", "dev")
    place.put(IMAGES[1], cosign_tags(IMAGES[0].descriptor.digest)[0])
    place.protect(WHOLE)
    place.rule(RetentionRule(("*",), keep_newest=0, untagged_after_days=0.1))
    place.later(9)

    place.run()

    assert len(place.tags()) == 3


def test_a_rule_of_the_repository_in_question_is_tried_before_it_is_written(place: Place) -> None:
    place.put(IMAGES[0], "v1", "v2")
    place.rule(RetentionRule(("*",), keep_newest=5))
    tried = Retention(place.records.view(APP), APP, place.world.now, [RetentionRule(("v1",), keep_newest=0)])

    assert [verdict.kept for verdict in tried.verdicts()] == [False, True]
