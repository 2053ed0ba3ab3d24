"""An upload that another process began, or a loss cut off: it goes on where the registry stands, and is told of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.wire.endpoint import Profile
from lading.wire.message import BytesContent, ConnectionLost, Response, Stalled
from lading.wire.sending import UploadUnproven
from lading.wire.upload import Hopes, Landed, Landing
from tests.unit.wire.upload_journey import (
    ABSENT,
    CREATED,
    GONE,
    GOODS,
    HEAD,
    LOST,
    MOUNT,
    POST,
    PRESENT,
    PUT,
    SENT,
    SESSION,
    STARTED,
    STATUS,
    Notes,
    journey,
    stands,
)

# ── committing


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_odd_yes_to_the_commit_is_looked_at(status: int) -> None:
    played = journey(STARTED, Response(status), PRESENT)

    assert played.lines == [MOUNT, PUT, HEAD]
    assert played.result == SENT


def test_a_commit_that_left_nothing_is_repeated_once() -> None:
    assert journey(STARTED, Response(202), ABSENT, STARTED, CREATED).lines == [MOUNT, PUT, HEAD, POST, PUT]
    with pytest.raises(UploadUnproven):
        journey(STARTED, Response(202), ABSENT, STARTED, Response(202), ABSENT)


@pytest.mark.parametrize("outcome", [LOST, Stalled("reg.example", 60), *map(Response, (408, 499, 500, 502, 504, 522))])
def test_a_commit_of_unknown_fate_is_looked_for_before_anything_is_sent_again(
    outcome: Response | ConnectionLost,
) -> None:
    played = journey(STARTED, outcome, PRESENT)

    assert played.lines == [MOUNT, PUT, HEAD]
    assert played.result == SENT


@pytest.mark.parametrize("outcome", [LOST, *map(Response, (429, 500, 503))])
def test_a_broken_upload_goes_on_where_the_registry_stands(outcome: Response | ConnectionLost) -> None:
    played = journey(STARTED, outcome, ABSENT, stands(39), CREATED, PRESENT)

    assert played.lines == [MOUNT, PUT, HEAD, STATUS, PUT, HEAD]
    assert (played.asked[4].start, played.asked[4].body_size) == (40, 60)
    assert played.asked[4].headers["content-range"] == "40-99"


def test_everything_held_but_not_committed_is_committed_without_a_byte() -> None:
    played = journey(STARTED, LOST, ABSENT, stands(99), CREATED, PRESENT)

    assert played.asked[4].body_size == 0
    assert "content-range" not in played.asked[4].headers


@pytest.mark.parametrize(
    "status", [stands(0), Response(204), Response(204, {"range": "nonsense"}), Response(204, {"range": "0-100"})]
)
def test_a_doubtful_offset_starts_the_blob_again(status: Response) -> None:
    played = journey(STARTED, LOST, ABSENT, status, STARTED, CREATED)

    assert played.lines[3:] == [STATUS, POST, PUT]
    assert played.asked[-1].start == 0


def test_a_registry_that_forgets_broken_uploads_is_remembered() -> None:
    notes = Notes()

    journey(STARTED, LOST, ABSENT, GONE, STARTED, CREATED, notes=notes)

    assert not notes.profile.resumes
    assert journey(STARTED, LOST, ABSENT, STARTED, CREATED, profile=notes.profile).lines == [
        MOUNT,
        PUT,
        HEAD,
        POST,
        PUT,
    ]


def test_a_large_blob_gives_a_forgetful_registry_another_chance() -> None:
    notes, size = Notes(), 64 * 1024 * 1024
    huge = replace(GOODS, content=BytesContent(bytes(size)))
    notes.profile = Profile(resumes=False)

    there = Response(200, {"content-length": str(size)})
    played = journey(STARTED, LOST, ABSENT, stands(39), CREATED, there, goods=huge, profile=notes.profile, notes=notes)

    assert played.lines[3] == STATUS
    assert notes.profile.resumes


def test_a_session_that_is_gone_is_begun_again_once_without_a_loss_and_always_after_one() -> None:
    assert journey(STARTED, GONE, STARTED, CREATED).lines == [MOUNT, PUT, POST, PUT]
    again: list[Response | ConnectionLost] = [LOST, ABSENT, GONE, STARTED]
    assert journey(STARTED, *again, *again[:2], STARTED, *again[:2], STARTED, CREATED).result == SENT


def test_a_tail_that_was_kept_without_its_head_is_noticed() -> None:
    notes, short = Notes(), Response(200, {"content-length": "60"})

    played = journey(STARTED, LOST, ABSENT, stands(39), CREATED, short, STARTED, CREATED, notes=notes)

    assert played.asked[-1].start == 0
    assert not notes.profile.resumes


# ── another process's upload


def test_an_upload_of_another_process_goes_on() -> None:
    notes = Notes()
    url = f"https://reg.example{SESSION}"

    played = journey(stands(39), CREATED, PRESENT, notes=notes, hopes=Hopes(session=url))

    assert played.lines == [STATUS, PUT, HEAD]
    assert played.asked[1].start == 40
    assert notes.offsets == [40]
    assert notes.sessions == [url, None]


def test_an_upload_that_ended_meanwhile_is_not_sent_again() -> None:
    notes = Notes()

    played = journey(stands(39), GONE, PRESENT, notes=notes, hopes=Hopes(session=f"https://reg.example{SESSION}"))

    assert played.lines == [STATUS, PUT, HEAD]
    assert played.result == Landed(Landing.EXISTS)
    assert notes.forgettings == 0


def test_an_upload_begun_in_plain_http_goes_on_under_tls() -> None:
    played = journey(stands(39), CREATED, PRESENT, hopes=Hopes(session=f"http://reg.example{SESSION}"))

    assert {request.url.partition(":")[0] for request in played.asked} == {"https"}


@pytest.mark.parametrize("host", ["reg.example:9000", "other.example"])
def test_an_upload_begun_in_plain_http_at_another_server_is_left_there(host: str) -> None:
    notes = Notes()

    played = journey(STARTED, CREATED, notes=notes, hopes=Hopes(session=f"http://{host}{SESSION}"))

    assert {request.url.partition("/v2/")[0] for request in played.asked} == {"https://reg.example"}
    assert notes.sessions[0] is None


@pytest.mark.parametrize("status", [GONE, ABSENT, Response(403), stands(0)])
def test_an_upload_that_is_gone_meanwhile_starts_as_usual(status: Response) -> None:
    notes = Notes()

    played = journey(status, CREATED, notes=notes, hopes=Hopes(session=f"https://reg.example{SESSION}"))

    assert played.result == Landed(Landing.EXISTS)
    assert notes.sessions[-1] is None
    assert notes.forgettings == 0, "nothing is sent again"


@pytest.mark.parametrize("status", [GONE, ABSENT, stands(0)])
def test_what_is_sent_from_the_start_again_is_told_once(status: Response) -> None:
    notes = Notes()

    played = journey(status, STARTED, CREATED, notes=notes, hopes=Hopes(session=f"https://reg.example{SESSION}"))

    assert played.result == SENT
    assert notes.forgettings == 1


def test_an_upload_that_is_lost_on_its_way_is_told_as_well() -> None:
    notes = Notes()

    journey(STARTED, LOST, ABSENT, GONE, STARTED, CREATED, notes=notes)
    journey(STARTED, LOST, ABSENT, stands(39), CREATED, PRESENT, notes=notes)

    assert notes.forgettings == 1


def test_the_session_is_remembered_as_it_moves_and_forgotten_at_the_end() -> None:
    notes = Notes()

    journey(STARTED, CREATED, notes=notes)

    assert notes.sessions == [f"https://reg.example{SESSION}", None]
