"""Images that lose their last name stay under their digest, where that was asked for; on every database."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.backends.database.service_database import ServiceDatabase
from lading.engine.records import ImageNames
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_MANIFEST

ROOTS = [Descriptor(OCI_MANIFEST, Digest.of(bytes([number])), 7) for number in range(3)]
A, B, C = ROOTS


def rows(names: ImageNames) -> dict[str, Descriptor]:
    return {image.reference: image.root for image in names.all()}


@pytest.fixture
def names(database: ServiceDatabase) -> ImageNames:
    return database.catalogue.lasting_images


def test_an_image_whose_last_name_moves_away_stays_without_one(names: ImageNames) -> None:
    names.point(["r:1", "r:2"], A, "any")
    names.point(["r:1"], B, "any")
    assert rows(names) == {"r:1": B, "r:2": A}
    names.point(["r:2"], B, "any")
    assert rows(names) == {"r:1": B, "r:2": B, str(A.digest): A}
    assert [image.named for image in names.all()] == [True, True, False]


def test_it_is_called_by_its_digest_until_it_has_a_name_again(names: ImageNames) -> None:
    names.point([str(A.digest)], A, "any")
    assert rows(names) == {str(A.digest): A}
    names.point(["r:1"], A, "any")
    assert rows(names) == {"r:1": A}
    names.point([str(A.digest)], A, "any")
    assert rows(names) == {"r:1": A}


def test_a_name_that_is_taken_back_on_purpose_leaves_nothing(names: ImageNames) -> None:
    names.point(["r:1"], A, "any")
    assert names.forget("r:1")
    assert not rows(names)


def test_nothing_stays_where_that_was_not_asked_for(database: ServiceDatabase) -> None:
    plain = database.catalogue.images
    plain.point(["r:1"], A, "any")
    plain.point(["r:1"], B, "any")
    assert rows(plain) == {"r:1": B}


def test_whoever_gives_a_name_takes_away_what_stood_for_none(database: ServiceDatabase) -> None:
    database.catalogue.lasting_images.point([str(A.digest)], A, "any")
    database.catalogue.images.point(["r:1"], A, "any")
    assert rows(database.catalogue.images) == {"r:1": A}


_MOVES = st.lists(
    st.tuples(st.sampled_from(["r:1", "r:2", "s:1", ""]), st.sampled_from(range(len(ROOTS))), st.booleans()),
    max_size=12,
)


def expected(moves: list[tuple[str, int, bool]]) -> Mapping[str, Descriptor]:
    """What the rule says, simply."""
    names: dict[str, Descriptor] = {}
    seen: set[Descriptor] = set()
    for name, number, taken in moves:
        root = ROOTS[number]
        if taken:
            if name in names and list(names.values()).count(names[name]) == 1:
                seen.discard(names[name])
            names.pop(name, None)
        else:
            seen.add(root)
            if name:
                names[name] = root
    nameless = {str(root.digest): root for root in seen if root not in names.values()}
    return {**names, **nameless}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(_MOVES)
def test_no_image_is_lost_but_by_taking_its_last_name(names: ImageNames, moves: list[tuple[str, int, bool]]) -> None:
    for image in list(names.all()):
        names.forget(image.reference)
    for name, number, taken in moves:
        root = ROOTS[number]
        if taken:
            names.forget(name)
        else:
            names.point([name or str(root.digest)], root, "any")
    assert rows(names) == expected(moves)
