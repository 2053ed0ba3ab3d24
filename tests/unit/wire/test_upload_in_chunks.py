"""A blob's journey up in pieces: where the registry takes no more at once, or says how much it has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.wire.endpoint import Profile
from lading.wire.message import BytesContent, ConnectionLost, Response
from lading.wire.registry_errors import (
    AnswerUnexpected,
    BodyTooLarge,
)
from lading.wire.sending import UploadUnproven
from lading.wire.upload import Landed
from tests.fakes.conversation import Played
from tests.unit.wire.upload_journey import (
    CREATED,
    HEAD,
    LARGE,
    LOST,
    MOUNT,
    PATCH,
    PRESENT,
    PUT,
    SESSION,
    STARTED,
    STATUS,
    Notes,
    journey,
    stands,
)


def test_a_413_makes_smaller_pieces_for_all_that_follows() -> None:
    notes = Notes()
    large = replace(LARGE, content=BytesContent(bytes(6 * 1024 * 1024)))
    html = Response(413, {"content-type": "text/html"}, b"<h1>Too large</h1>")
    whole = Response(200, {"content-length": str(large.content.size)})

    played = journey(STARTED, html, Response(202, {"range": "0-4194303"}), CREATED, whole, goods=large, notes=notes)

    assert [line.split(" ")[0] for line in played.lines] == ["POST", "PUT", "PATCH", "PUT", "HEAD"]
    assert [(r.start, r.body_size) for r in played.asked[2:4]] == [(0, 4194304), (4194304, 2097152)]
    assert played.asked[3].headers["content-range"] == "4194304-6291455"
    assert notes.profile.chunk_limit == 4 * 1024 * 1024


def test_a_416_to_a_large_body_is_about_its_size() -> None:
    notes = Notes()
    accepted = [Response(202, {"range": f"0-{(i + 1) * 4194304 - 1}"}) for i in range(2)]
    whole = Response(200, {"content-length": str(LARGE.content.size)})

    journey(STARTED, Response(416), *accepted, CREATED, whole, goods=LARGE, notes=notes)

    assert notes.profile.chunk_limit == 4 * 1024 * 1024


def test_the_ladder_has_an_end() -> None:
    with pytest.raises(BodyTooLarge):
        journey(STARTED, *[Response(413)] * 9, goods=LARGE)


def test_a_416_that_says_where_the_registry_stands_is_believed() -> None:
    elsewhere = Response(416, {"range": "0-9", "location": SESSION})

    played = journey(STARTED, elsewhere, CREATED, PRESENT)

    assert played.asked[2].start == 10


def in_chunks(*outcomes: Response | ConnectionLost, limit: int = 40, notes: Notes | None = None) -> Played[Landed]:
    return journey(*outcomes, profile=Profile(chunk_limit=limit), notes=notes)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_yes_to_a_patch_will_do(status: int) -> None:
    first, second = Response(status, {"range": "0-39"}), Response(status, {"range": "0-79"})

    played = in_chunks(STARTED, first, second, CREATED, PRESENT)

    assert played.lines == [MOUNT, PATCH, PATCH, PUT, HEAD]
    assert [r.headers["content-range"] for r in played.asked[1:4]] == ["0-39", "40-79", "80-99"]


def test_a_patch_without_a_range_took_everything() -> None:
    assert in_chunks(STARTED, Response(202), Response(202), CREATED, PRESENT).asked[3].start == 80


def test_each_answer_says_where_the_next_piece_goes() -> None:
    moved = Response(202, {"location": "/v2/a/b/blobs/uploads/2?_state=y", "range": "0-39"})

    played = in_chunks(STARTED, moved, Response(202), CREATED, PRESENT)

    assert played.lines[2] == "PATCH /v2/a/b/blobs/uploads/2?_state=y"


def test_a_piece_taken_in_part_goes_on_behind_it() -> None:
    assert in_chunks(STARTED, Response(202, {"range": "0-19"}), Response(202), CREATED, PRESENT).asked[2].start == 20


def test_a_registry_that_does_not_move_is_not_asked_for_ever() -> None:
    stuck = Response(202, {"range": "0-0"})

    with pytest.raises(AnswerUnexpected):
        in_chunks(STARTED, stuck, STARTED, stuck)


def test_the_registrys_smallest_chunk_is_kept_to() -> None:
    started = Response(202, {"location": SESSION, "oci-chunk-min-length": "60"})

    played = in_chunks(started, Response(202), CREATED, PRESENT)

    assert [r.body_size for r in played.asked[1:3]] == [60, 40]


def test_a_lost_patch_asks_where_the_registry_stands() -> None:
    played = in_chunks(STARTED, Response(202), LOST, stands(49), Response(202), CREATED, PRESENT)

    assert played.lines[3] == STATUS
    assert played.asked[4].start == 50


@pytest.mark.parametrize("status", [405, 501])
def test_a_host_without_patch_gets_the_whole(status: int) -> None:
    notes = Notes()

    played = in_chunks(STARTED, Response(status), CREATED, notes=notes)

    assert played.lines == [MOUNT, PATCH, PUT]
    assert played.asked[2].body_size == 100
    assert not notes.profile.patches


def test_a_host_that_takes_neither_pieces_nor_the_whole_is_given_up() -> None:
    with pytest.raises(BodyTooLarge):
        in_chunks(STARTED, Response(405), Response(413))


def test_chunks_of_which_only_the_last_was_kept_are_noticed() -> None:
    last = Response(200, {"content-length": "20"})

    with pytest.raises(UploadUnproven):
        in_chunks(
            STARTED, Response(202), Response(202), CREATED, last, STARTED, Response(202), Response(202), CREATED, last
        )
