"""The /v2/ door of a repository whose images must be signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.fronts.registry_api.serving import registry_application
from tests.fakes.own_house import BY_ANN, OwnHouse, own_house
from tests.fakes.people import people
from tests.fakes.registry_doors import Doors
from tests.fakes.signing_house import EVE
from tests.fronts.registry_api.asking import Asker
from tests.fronts.registry_api.token_place import Place

TARGET = "/v2/team/app/manifests/1"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[OwnHouse]:
    yield from own_house(tmp_path)


@pytest.fixture
def place(house: OwnHouse, tmp_path: Path) -> Iterator[Place]:
    """ada may do everything; team/app asks for ann's signature."""
    house.rule(BY_ANN)
    with people(tmp_path) as all_:
        doors = Doors(all_)
        doors.people.user("ada", "admin")
        door = registry_application(house.records, house.content, doors.gate(), trust=house.gate)
        yield Place(Asker(door), doors)


def pulled(place: Place, target: str = TARGET, scope: str = "pull") -> tuple[int, bytes]:
    reply = place.bearing(place.token("ada", f"repository:team/app:{scope}"), "GET", target)
    return reply.status, reply.body


def test_an_unsigned_image_is_denied_in_words_that_clients_print(place: Place, house: OwnHouse) -> None:
    house.image("plain", "1")
    reply = place.bearing(place.token("ada", "repository:team/app:pull"), "GET", TARGET)

    assert reply.status == 403
    assert reply.document == {
        "errors": [
            {
                "code": "DENIED",
                "message": "team/app:1 is not signed as the repository team/app asks for: nobody signed it",
                "detail": {"reason": "not_trusted"},
            }
        ]
    }


def test_a_head_is_denied_as_well_and_says_why_in_its_status_line(place: Place, house: OwnHouse) -> None:
    """Who has the bytes already asks for no more, and would call them by this name."""
    root = house.image("plain", "1")
    token = place.token("ada", "repository:team/app:pull")

    for reference in ("1", root.digest):
        reply = place.bearing(token, "HEAD", f"/v2/team/app/manifests/{reference}")
        said = f"team/app{'@' if reference == root.digest else ':'}{reference} is not signed as the repository team/app"

        assert reply.status == 403
        assert reply.reason == f"DENIED: {said} asks for: nobody signed it"
        assert "docker-content-digest" not in reply.headers


def test_a_head_of_what_is_signed_tells_what_there_is(place: Place, house: OwnHouse) -> None:
    root = house.image("plain", "1")
    house.sign(root)

    reply = place.bearing(place.token("ada", "repository:team/app:pull"), "HEAD", TARGET)

    assert (reply.status, reply.headers["docker-content-digest"]) == (200, str(root.digest))


def test_a_head_tells_no_tag_that_was_not_signed_as_that(place: Place, house: OwnHouse) -> None:
    """Who asks so goes on by digest, and nobody could say any more by which tag it came."""
    house.sign(house.image("plain", "1", "2"), tag="1")
    house.rule(replace(BY_ANN, bind_tag=True))
    token = place.token("ada", "repository:team/app:pull")

    assert place.bearing(token, "HEAD", TARGET).status == 200
    assert place.bearing(token, "HEAD", "/v2/team/app/manifests/2").status == 403


def test_a_signed_image_is_given_as_soon_as_it_is_signed(place: Place, house: OwnHouse) -> None:
    root = house.image("plain", "1")
    signature = house.sign(root, EVE)
    assert pulled(place)[0] == 403

    house.sign(root)

    status, body = pulled(place)
    assert (status, len(body)) == (200, root.size)
    assert pulled(place, f"/v2/team/app/manifests/{root.digest}")[0] == 200
    assert pulled(place, f"/v2/team/app/manifests/{signature}")[0] == 200
    assert pulled(place, f"/v2/team/app/referrers/{root.digest}")[0] == 200


def test_who_comes_to_sign_reads_it_first_and_who_comes_to_pull_does_not(place: Place, house: OwnHouse) -> None:
    house.image("plain", "1")

    assert pulled(place, scope="pull,push")[0] == 200
    assert pulled(place, scope="pull")[0] == 403


def test_a_public_repository_asks_strangers_too(place: Place, house: OwnHouse) -> None:
    house.image("plain", "1")
    place.doors.public.add("team/app")

    assert place.ask("GET", TARGET).status == 403
