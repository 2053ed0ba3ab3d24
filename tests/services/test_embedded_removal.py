"""What goes with a name, an id, a clean-up, or a platform; told as Docker tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.oci.reference import Reference
from lading.services.embedded.environment import EmbeddedEnvironment
from lading.services.embedded.images import ImageHasNames
from lading.services.embedded.lookup import EmbeddedLookup, Held
from lading.services.embedded.removal import EmbeddedRemoval, ForceNeeded
from lading.services.embedded.views import EmbeddedView
from lading.services.environments.orders import LabelFilter, Pruned, PruneOrder
from lading.services.lookup import ImageUnknown
from lading.services.platforms import PlatformMissing
from lading.wire.progress import Event
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.embedded import embedded
from tests.fakes.images import AMD64, ARM64, S390X
from tests.fakes.oci_archives import called, oci_archive
from tests.fakes.several_platforms import several

CANCEL = Cancellation()
HUB = "docker.io/library"


def told(_event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[EmbeddedEnvironment]:
    with embedded(tmp_path / "lading") as made:
        yield made.environment


def load(environment: EmbeddedEnvironment, *names: str, label: str = "x") -> str:
    return environment.load(reader(docker_archive(names, label=label)), told, CANCEL)[0].id


def gone(pruned: Pruned) -> tuple[list[str], list[str]]:
    return sorted(pruned.untagged), sorted(pruned.deleted)


def ids(environment: EmbeddedEnvironment) -> set[str]:
    return {each.id for each in environment.images(CANCEL)}


# ── names and ids


def test_a_name_that_moves_while_its_image_is_removed_stays_with_its_new_one(tmp_path: Path) -> None:
    """Somebody pulls between the look and the removal."""
    with embedded(tmp_path) as made:
        old = load(made.environment, "app:1", "app:2")
        own, names = made.places.local().own, made.names
        lookup = EmbeddedLookup(names, own)
        moved: list[str] = []

        def view(image: Held) -> EmbeddedView:
            moved[:] = moved or [load(made.environment, "app:1", label="y")]
            return EmbeddedView(image, own, AMD64)

        removal = EmbeddedRemoval(lookup, own, view, made.upkeep.collect, made.upkeep.shed)
        pruned = removal.remove(old, True, [], CANCEL)

        assert gone(pruned) == ([f"{HUB}/app:2", f"{HUB}/app@{old}"], [old])
        assert [(each.id, each.names) for each in made.environment.images(CANCEL)] == [(moved[0], (f"{HUB}/app:1",))]


def test_very_many_names_go_together(environment: EmbeddedEnvironment) -> None:
    """Quadratic work would take minutes."""
    names = [f"a{number}/app:1" for number in range(3000)]
    identity = load(environment, *names)

    pruned = environment.remove(identity, True, CANCEL)

    assert len(pruned.untagged) == 2 * len(names)
    assert pruned.deleted == (identity,)


def test_who_hangs_up_before_the_names_are_taken_takes_none(environment: EmbeddedEnvironment) -> None:
    load(environment, "app:1")
    hung_up = Cancellation()
    hung_up.cancel()

    with pytest.raises(Cancelled):
        environment.prune(PruneOrder(dangling=False), hung_up)
    assert len(ids(environment)) == 1


def test_a_tag_beside_others_goes_alone(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, "app:1", "app:2", "other:1")

    assert gone(environment.remove("app:1", True, CANCEL)) == ([f"{HUB}/app:1"], [])
    assert gone(environment.remove("app:2", False, CANCEL)) == ([f"{HUB}/app:2"], [])
    assert environment.image(identity, CANCEL).summary.names == (f"{HUB}/other:1",)


def test_with_its_last_tag_an_image_goes(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, "app:1")

    pruned = environment.remove("app:1", False, CANCEL)
    assert gone(pruned) == ([f"{HUB}/app:1", f"{HUB}/app@{identity}"], [identity])
    assert not ids(environment)


def test_an_id_takes_the_only_tag(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, "app:1")

    gone_now = gone(environment.remove(identity[7:19], False, CANCEL))
    assert gone_now == ([f"{HUB}/app:1", f"{HUB}/app@{identity}"], [identity])


@pytest.mark.parametrize("names", [("app:1", "other:1"), ("app:1", "app:2")])
def test_an_id_of_several_names_must_be_forced(environment: EmbeddedEnvironment, names: tuple[str, str]) -> None:
    identity = load(environment, *names)

    with pytest.raises(ImageHasNames):
        environment.remove(identity, False, CANCEL)
    assert ids(environment) == {identity}
    assert gone(environment.remove(identity, True, CANCEL))[1] == [identity]
    assert not ids(environment)


def test_a_digest_takes_what_its_repository_calls_the_image(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, "app:1", "app:2", "other:1")

    assert gone(environment.remove(f"app@{identity}", False, CANCEL)) == (
        [f"{HUB}/app:1", f"{HUB}/app:2", f"{HUB}/app@{identity}"],
        [],
    )
    assert environment.image(identity, CANCEL).summary.names == (f"{HUB}/other:1",)


def test_an_image_that_was_pulled_by_digest_too_goes_with_its_last_tag(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, "app:1")
    environment.tag(identity, Reference.parse(f"app@{identity}"), CANCEL)
    assert environment.image(identity, CANCEL).summary.names == (f"{HUB}/app:1",)
    assert environment.image(identity, CANCEL).summary.digests == (f"{HUB}/app@{identity}",)

    assert gone(environment.remove("app:1", False, CANCEL)) == (
        [f"{HUB}/app:1", f"{HUB}/app@{identity}"],
        [identity],
    )


def test_an_image_without_a_name_goes_by_its_id(environment: EmbeddedEnvironment) -> None:
    first = load(environment, "app:1", label="first")
    load(environment, "app:1", label="second")

    assert gone(environment.remove(first, False, CANCEL)) == ([], [first])
    assert first not in ids(environment)


def test_what_goes_frees_what_only_it_held(environment: EmbeddedEnvironment) -> None:
    kept, shared = several(), several("other")
    environment.load(reader(kept.archive("kept:1")), told, CANCEL)
    before = environment.size(CANCEL)
    environment.load(reader(shared.archive("shared:1")), told, CANCEL)
    more = environment.size(CANCEL) - before

    environment.remove("shared:1", False, CANCEL)
    assert environment.size(CANCEL) == before
    assert more > 0
    assert all(part.available for part in environment.image("kept:1", CANCEL).summary.parts[:2])


def test_of_many_who_remove_the_same_each_image_is_removed_once(environment: EmbeddedEnvironment) -> None:
    identities = {load(environment, f"app:{number}", label=str(number)) for number in range(6)}
    told_gone: list[str] = []
    missed: list[ImageUnknown] = []

    def remove_all() -> None:
        for number in range(6):
            try:
                told_gone.extend(environment.remove(f"app:{number}", False, CANCEL).deleted)
            except ImageUnknown as unknown:
                missed.append(unknown)

    threads = [Thread(target=remove_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told_gone) == sorted(identities)
    assert len(missed) == 12
    assert not ids(environment)


def test_layers_that_only_an_image_had_are_told_with_it(environment: EmbeddedEnvironment) -> None:
    image = several()
    environment.load(reader(image.archive("app:1")), told, CANCEL)
    single = oci_archive(image.store, [called(image.amd64, f"{HUB}/single:1")])
    environment.load(reader(single), told, CANCEL)
    amd64, arm64 = (image.manifest(each).layers for each in (image.amd64, image.arm64))

    assert environment.remove("app:1", False, CANCEL).layers == (str(arm64[1].digest),)
    assert environment.remove("single:1", False, CANCEL).layers == tuple(str(each.digest) for each in reversed(amd64))


# ── clean-up


def test_a_clean_up_takes_what_has_no_name(environment: EmbeddedEnvironment) -> None:
    first = load(environment, "app:1", label="first")
    second = load(environment, "app:1", label="second")
    pulled = load(environment, "pulled:1", label="pulled")
    environment.tag(pulled, Reference.parse(f"pulled@{pulled}"), CANCEL)

    pruned = environment.prune(PruneOrder(), CANCEL)
    assert gone(pruned) == ([], [first])
    assert pruned.reclaimed > 0
    assert ids(environment) == {second, pulled}
    assert gone(environment.prune(PruneOrder(), CANCEL)) == ([], [])


def test_a_clean_up_of_all_takes_every_image(environment: EmbeddedEnvironment) -> None:
    first, second = load(environment, "a:1", label="a"), load(environment, "b:1", label="b")

    assert gone(environment.prune(PruneOrder(dangling=False), CANCEL)) == (
        sorted([f"{HUB}/a:1", f"{HUB}/a@{first}", f"{HUB}/b:1", f"{HUB}/b@{second}"]),
        sorted([first, second]),
    )
    assert not ids(environment)


CREATED = 1767323045.0


@pytest.mark.parametrize(
    ("order", "going"),
    [
        (PruneOrder(False, until=CREATED), ""),
        (PruneOrder(False, until=CREATED + 1), "ab"),
        (PruneOrder(False, labels=(LabelFilter("label"),)), "ab"),
        (PruneOrder(False, labels=(LabelFilter("label", "a"),)), "a"),
        (PruneOrder(False, labels=(LabelFilter("label", "a", without=True),)), "b"),
        (PruneOrder(False, labels=(LabelFilter("label", without=True),)), ""),
        (PruneOrder(False, labels=(LabelFilter("none", without=True),)), "ab"),
        (PruneOrder(False, labels=(LabelFilter("label"), LabelFilter("label", "b"))), "b"),
        (PruneOrder(False, until=CREATED + 1, labels=(LabelFilter("label", "c"),)), ""),
        (PruneOrder(until=CREATED + 1), ""),
    ],
)
def test_a_clean_up_takes_what_passes_every_filter(
    environment: EmbeddedEnvironment, order: PruneOrder, going: str
) -> None:
    made = {load(environment, f"{label}:1", label=label): label for label in "ab"}

    assert {made[each] for each in environment.prune(order, CANCEL).deleted} == set(going)


# ── platforms


def test_a_platform_is_given_up_while_the_image_stays(environment: EmbeddedEnvironment) -> None:
    image = several()
    environment.load(reader(image.archive("app:1")), told, CANCEL)
    before = environment.size(CANCEL)

    with pytest.raises(ForceNeeded):
        environment.remove("app:1", False, CANCEL, (AMD64,))
    pruned = environment.remove("app:1", True, CANCEL, (AMD64,))

    assert gone(pruned) == ([], sorted([str(image.amd64.digest), str(image.attestation.digest)]))
    summary = environment.image("app:1", CANCEL).summary
    assert summary.id == str(image.root.digest)
    here = {part.descriptor.digest: part.available for part in summary.parts}
    assert here == {
        image.amd64.digest: False,
        image.arm64.digest: True,
        image.absent.digest: False,
        image.attestation.digest: False,
    }
    assert pruned.reclaimed == before - environment.size(CANCEL) > 0
    assert environment.remove("app:1", True, CANCEL, (AMD64,)).deleted == ()


def test_a_platform_that_another_image_needs_stays(environment: EmbeddedEnvironment) -> None:
    image = several()
    environment.load(reader(image.archive("app:1")), told, CANCEL)
    single = oci_archive(image.store, [called(image.amd64, f"{HUB}/single:1")])
    environment.load(reader(single), told, CANCEL)

    assert str(image.amd64.digest) not in environment.remove("app:1", True, CANCEL, (AMD64,)).deleted
    assert environment.image("app:1", CANCEL, AMD64).summary.parts[0].available
    assert environment.image("single:1", CANCEL).summary.parts[0].available


def test_the_only_platform_is_the_image(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, "app:1", "other:1")

    with pytest.raises(PlatformMissing):
        environment.remove("app:1", True, CANCEL, (ARM64,))
    assert environment.remove("app:1", True, CANCEL, (AMD64,)).deleted == (identity,)
    assert not ids(environment)


def test_a_platform_that_an_image_has_not_is_an_error_before_anything_goes(environment: EmbeddedEnvironment) -> None:
    image = several()
    environment.load(reader(image.archive("app:1")), told, CANCEL)

    with pytest.raises(PlatformMissing):
        environment.remove("app:1", True, CANCEL, (AMD64, S390X, ARM64.parse("plan9/386")))
    assert environment.image("app:1", CANCEL, AMD64).summary.parts[0].available
    with pytest.raises(ImageUnknown):
        environment.remove("nothing:1", True, CANCEL, (AMD64,))
