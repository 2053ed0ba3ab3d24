from __future__ import annotations

import json

import pytest

from lading.errors import LadingError, RateLimited
from lading.oci.reference import Repository
from lading.wire.hub_search import Hit, search
from lading.wire.listing import ListUnreadable
from lading.wire.message import Response
from tests.fakes.conversation import play


def answered(*rows: object) -> Response:
    return Response(200, {}, json.dumps({"num_results": len(rows), "results": rows}).encode())


def test_what_hub_finds() -> None:
    played = play(
        search("a b&c"),
        answered(
            {"name": "nginx", "description": "A web server", "star_count": 7, "is_official": True},
            {"name": "me/nginx", "description": "", "star_count": 0, "is_official": False},
        ),
    )

    assert played.result == (
        Hit(Repository("docker.io", "library/nginx"), "A web server", 7, True),
        Hit(Repository("docker.io", "me/nginx"), "", 0, False),
    )
    assert played.asked[0].url == "https://index.docker.io/v1/search?q=a+b%26c&n=100"


@pytest.mark.parametrize(
    ("row", "hits"),
    [
        ({"name": "nginx"}, (Hit(Repository("docker.io", "library/nginx"), "", 0, False),)),
        ({"name": "NGINX"}, ()),
        ({"name": None}, ()),
        ({}, ()),
        ("nginx", ()),
        (
            {"name": "a/b", "description": "d" * 5000, "star_count": "7", "is_official": 1},
            (Hit(Repository("docker.io", "a/b"), "d" * 1000, 0, False),),
        ),
    ],
)
def test_odd_rows(row: object, hits: tuple[Hit, ...]) -> None:
    assert play(search("x"), answered(row)).result == hits


@pytest.mark.parametrize("body", [b"<html>", b'{"results": 5}', b'{"results": "nginx"}'])
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(ListUnreadable):
        play(search("x"), Response(200, {}, body))


def test_no_results_at_all() -> None:
    assert play(search("x"), Response(200, {}, b'{"results": null}')).result == ()


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (500, LadingError)])
def test_what_is_refused(status: int, kind: type[LadingError]) -> None:
    with pytest.raises(kind):
        play(search("x"), Response(status))
