"""What goes when retention is carried out, batch by batch: what the preview says, and nothing else."""

from __future__ import annotations

from random import Random

import pytest

from lading.oci.reference import cosign_tags, fallback_tag
from lading.services.repositories.edits import SetRetention, SetRules
from lading.services.repositories.protection import is_attached
from lading.services.repositories.pull_counts import Pulled, Pulls
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rules import Step, judge
from lading.services.retention.retention import Retention, drop_tags, drop_untagged
from lading.services.retention.runs import at_once
from tests.fakes.registry_world import (
    DAY,
    IMAGES,
    INDEXES,
    LISTS,
    REPOSITORIES,
    RETENTION,
    RULES,
    SIGNATURES,
    WIDE,
    World,
)
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.retained import APP, WIDE_RETENTION, Place, run


@pytest.fixture
def place() -> Place:
    return Place()


def test_what_lost_its_tag_stays_for_as_long_as_is_said(place: Place) -> None:
    place.put(IMAGES[0], "v1")
    place.put(IMAGES[1], "v2")
    place.rule(RetentionRule(("v1",), keep_newest=0), RetentionRule((), untagged_after_days=7))
    place.later(100)

    place.run()
    assert (place.tags(), place.holds(IMAGES[0])) == (["v2"], True)
    place.later(6)
    place.run()
    assert place.holds(IMAGES[0])
    place.later(1)
    place.run()
    assert not place.holds(IMAGES[0])
    assert place.holds(IMAGES[1])


def test_without_a_word_what_has_no_tag_stays(place: Place) -> None:
    place.put(IMAGES[0], "v1")
    place.rule(RetentionRule(("*",), keep_newest=0))
    place.later(1000)

    place.run()
    place.later(1000)
    place.run()

    assert (place.tags(), place.holds(IMAGES[0])) == ([], True)


def test_what_an_index_needs_and_what_is_attached_stays_with_it(place: Place) -> None:
    for document in IMAGES[:2]:
        place.put(document)
    place.put(INDEXES[0], "v1")
    place.put(SIGNATURES[0])
    place.put(SIGNATURES[1])
    place.put(LISTS[0], fallback_tag(IMAGES[0].descriptor.digest))
    place.put(IMAGES[2], cosign_tags(INDEXES[0].descriptor.digest)[0])
    place.put(IMAGES[3])
    place.rule(RetentionRule(("*", "sha256-*"), keep_newest=1, untagged_after_days=1))
    place.later(50)

    place.run()

    held = [*IMAGES[:3], INDEXES[0], *SIGNATURES[:2], LISTS[0]]
    assert all(map(place.holds, held))
    assert not place.holds(IMAGES[3])
    assert len(place.tags()) == 3


def test_lists_go_with_their_image(place: Place) -> None:
    place.put(IMAGES[0], "v1")
    place.put(SIGNATURES[0])
    place.put(LISTS[0], fallback_tag(IMAGES[0].descriptor.digest))
    place.put(IMAGES[2], cosign_tags(IMAGES[0].descriptor.digest)[0])
    place.rule(RetentionRule(("*",), keep_newest=0, untagged_after_days=5))
    place.later(10)

    place.run()
    assert len(place.tags()) == 2
    place.later(10)
    assert set(place.kept().values()) == {False}
    place.run(most=1)

    assert place.tags() == []
    assert not any(map(place.holds, (IMAGES[0], SIGNATURES[0], LISTS[0], IMAGES[2])))


def test_what_somebody_was_told_of_lately_is_spared_with_all_it_needs(place: Place) -> None:
    """A client that asks by HEAD for a manifest, and is told that it is there, does not push it."""
    for document in (*IMAGES[:2], INDEXES[0], IMAGES[2]):
        place.put(document)
    place.rule(RetentionRule((), untagged_after_days=1))
    place.later(9)

    spared = [INDEXES[0].descriptor.digest]
    place.world.repositories.change(APP, drop_untagged(APP, place.world.now, 10, spared))

    assert [place.holds(each) for each in (*IMAGES[:2], INDEXES[0], IMAGES[2])] == [True, True, True, False]


@pytest.mark.parametrize(("going", "most"), [(0, 0), (1, 100), (2000, 100), (2001, 101), (20_000, 1000)], ids=str)
def test_whatever_goes_does_so_in_few_turns_each_of_which_judges_everything(going: int, most: int) -> None:
    assert at_once(going, 100) == most


def test_many_tags_go_in_batches_with_the_same_end(place: Place) -> None:
    tags = [f"t{number:03}" for number in range(100)]
    place.put(IMAGES[0], *tags)
    place.rule(RetentionRule(("*",), keep_newest=3))

    place.run(most=7)

    assert place.tags() == tags[-3:]


def test_the_preview_is_what_then_happens_and_a_second_run_does_nothing() -> None:
    """Over repositories to which everything was done that can be: with protected tags, releases, lists, indexes."""
    gone = untagged = protected = 0
    for seed in range(60):
        random = Random(seed)
        world = World(MemoryRecords(), random)
        for _ in range(150):
            world.step()
        world.records.set_wide_retention(random.sample(WIDE_RETENTION, random.choice((0, 1, 2))))
        for repository in REPOSITORIES:
            with_rules(world, repository, random)
            seen = check(world, repository, random.choice((1, 3, 1000)))
            gone, untagged, protected = gone + seen[0], untagged + seen[1], protected + seen[2]
    assert min(gone, untagged, protected) > 50, "else it shows nothing"


def with_rules(world: World, repository: str, random: Random) -> None:
    rules = tuple(random.sample(RETENTION, random.choice((0, 1, 1, 2))))
    kept = tuple(random.sample(RULES, random.choice((0, 0, 1))))
    if world.records.knows(repository):
        world.repositories.change(repository, lambda _view: [SetRetention(rules), SetRules(kept)])
    world.records.set_wide_rules(random.sample(WIDE, random.choice((0, 0, 1))))
    for tag in random.sample(["dev", "latest", "v1", "v2"], 2):
        digest = world.records.view(repository).tag(tag)
        if digest and isinstance(world.records, MemoryRecords):
            at = world.now - random.random() * 5 * DAY
            world.records.count_pulls({Pulled(repository, digest, random.choice((tag, None))): Pulls(1, at)})


def check(world: World, repository: str, most: int) -> tuple[int, int, int]:
    view = world.records.view(repository)
    retention = Retention(view, repository, world.now)
    preview, untagged = retention.verdicts(), {row.digest for row in retention.untagged()}
    before = {row.digest for row in view.manifest_rows()}
    immutable = {
        tag.name: tag.digest
        for tag in view.all_tags()
        if not is_attached(tag.name) and judged(world, repository, tag.name)
    }
    assert [verdict.tag for verdict in preview] == view.all_tags()

    run(world, repository, most)

    view = world.records.view(repository)
    kept = {verdict.tag.name: verdict.tag.digest for verdict in preview if verdict.kept}
    assert {tag.name: tag.digest for tag in view.all_tags()} == kept
    assert {row.digest for row in view.manifest_rows()} == before - untagged
    assert all(kept[tag] == digest for tag, digest in immutable.items())
    whole = {digest for row in view.manifest_rows() for digest in row.children}
    assert whole <= before - untagged
    assert not world.repositories.change(repository, drop_tags(repository, world.now, most))
    assert not world.repositories.change(repository, drop_untagged(repository, world.now, most))
    return len(preview) - len(kept), len(untagged), len(immutable)


def judged(world: World, repository: str, tag: str) -> bool:
    view = world.records.view(repository)
    rules = [*view.own_rules(), *(rule for rule in view.wide_rules() if rule.concerns(repository))]
    named = view.named(tag)
    assert named
    found = judge(rules, tag, Step.DELETE, pointed=named.pointed, release=named.release, now=world.now)
    return found.rule is not None


def test_what_is_pushed_again_counts_as_pushed_now(place: Place) -> None:
    """Who was just told that it is there is about to name it: in an index, or by a tag."""
    place.rule(RetentionRule((), untagged_after_days=7))
    place.put(IMAGES[0])
    place.later(30)
    place.put(IMAGES[0])
    place.later(1 / DAY)
    place.run()

    assert place.holds(IMAGES[0])
    place.later(7)
    place.run()
    assert not place.holds(IMAGES[0])


def test_builds_that_push_the_same_all_the_time_write_once_an_hour(place: Place) -> None:
    place.put(IMAGES[0], "v1")
    before = place.records.state(APP)

    place.later(0.9 / 24)
    place.put(IMAGES[0], "v1")
    assert place.records.state(APP) is before
    place.later(0.2 / 24)
    place.put(IMAGES[0], "v1")
    assert place.records.state(APP) is not before
