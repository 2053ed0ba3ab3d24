"""A blob's journey up, step by step and under any run of losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import LadingError
from lading.oci.digest import Algorithm, Digest
from lading.wire.endpoint import Profile
from lading.wire.locations import LocationBroken
from lading.wire.message import BytesContent, ConnectionLost, Conversation, Response, Stalled
from lading.wire.registry_errors import (
    AnswerUnexpected,
    BodyTooLarge,
    Code,
    ContentRefused,
    PermissionDenied,
    RegistryFailed,
    RepositoryUnknown,
    ThingUnknown,
    Unauthorized,
)
from lading.wire.sending import Goods, UploadUnproven, commit_seconds
from lading.wire.upload import Hopes, Landed, Landing, upload
from tests.fakes.conversation import Played, line, play
from tests.fakes.played_registry import PlayedRegistry, refusal

HELD = bytes(range(100))
DIGEST = Digest.of(HELD)
GOODS = Goods("https://reg.example", "a/b", DIGEST, BytesContent(HELD))
LARGE = Goods("https://reg.example", "a/b", DIGEST, BytesContent(bytes(10 * 1024 * 1024)))
SESSION = "/v2/a/b/blobs/uploads/1?_state=x"
MOUNT = f"POST /v2/a/b/blobs/uploads/?mount={DIGEST}&from=a/b"
POST = "POST /v2/a/b/blobs/uploads/"
HEAD = f"HEAD /v2/a/b/blobs/{DIGEST}"
STATUS = f"GET {SESSION}"
PATCH = f"PATCH {SESSION}"
PUT = f"PUT {SESSION}&digest=sha256%3A{DIGEST.encoded}"
LOST = ConnectionLost("reg.example", "reset")

STARTED = Response(202, {"location": SESSION})
CREATED = Response(201)
ABSENT = Response(404)
PRESENT = Response(200, {"content-length": "100"})
GONE = refusal(Code.BLOB_UPLOAD_UNKNOWN)
SENT = Landed(Landing.SENT)


def stands(end: int) -> Response:
    """The registry's upload status."""
    return Response(204, {"location": SESSION, "range": f"0-{end}"})


class Notes:
    """A Witness that writes everything down."""

    def __init__(self) -> None:
        self.sessions: list[str | None] = []
        self.offsets: list[int] = []
        self.forgettings = 0
        self.profile = Profile()

    def begun(self, session: str) -> None:
        self.sessions.append(session)

    def ended(self) -> None:
        self.sessions.append(None)

    def resumed(self, offset: int) -> None:
        self.offsets.append(offset)

    def forgotten(self) -> None:
        self.forgettings += 1

    def learned(self, lesson: Callable[[Profile], Profile]) -> None:
        self.profile = lesson(self.profile)


def journey(
    *outcomes: Response | ConnectionLost | Stalled,
    goods: Goods = GOODS,
    profile: Profile = Profile(),  # noqa: B008
    notes: Notes | None = None,
    hopes: Hopes = Hopes(),  # noqa: B008
) -> Played[Landed]:
    return play(upload(goods, profile, notes or Notes(), hopes), *outcomes)


# ── starting


def test_an_existing_blob_is_not_sent() -> None:
    played = journey(CREATED)

    assert played.result == Landed(Landing.EXISTS)
    assert played.lines == [MOUNT]


def test_an_absent_blob_costs_two_requests() -> None:
    played = journey(STARTED, CREATED)

    assert played.result == SENT
    assert played.lines == [MOUNT, PUT]
    assert played.asked[1].body_size == 100
    assert "content-range" not in played.asked[1].headers


def test_the_best_known_holder_is_asked_first() -> None:
    played = journey(CREATED, hopes=Hopes(("c/d", "e")))

    assert played.result == Landed(Landing.MOUNTED, "c/d")
    assert played.lines == [f"POST /v2/a/b/blobs/uploads/?mount={DIGEST}&from=c/d"]


def test_a_refused_mount_is_already_the_uploads_start() -> None:
    assert journey(STARTED, CREATED, hopes=Hopes(("c/d",))).result == SENT


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_a_holder_that_may_not_be_read_leaves_the_repository_itself(status: int) -> None:
    played = journey(Response(status), STARTED, CREATED, hopes=Hopes(("secret",)))

    assert played.lines[1:] == [MOUNT, PUT]


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_a_host_that_knows_no_mounts_is_remembered(status: int) -> None:
    notes = Notes()

    played = journey(Response(status), ABSENT, STARTED, CREATED, notes=notes)

    assert played.lines == [MOUNT, HEAD, POST, PUT]
    assert not notes.profile.mounts


def test_where_mounts_are_refused_a_head_looks() -> None:
    assert journey(PRESENT, profile=Profile(mounts=False)).lines == [HEAD]
    assert journey(ABSENT, STARTED, CREATED, profile=Profile(mounts=False)).lines == [HEAD, POST, PUT]


def test_where_a_mount_from_itself_tells_nothing_a_head_looks_before_it() -> None:
    unseeing = Profile(mounts_itself=False)

    assert journey(PRESENT, profile=unseeing).result == Landed(Landing.EXISTS)
    assert journey(ABSENT, STARTED, CREATED, profile=unseeing).lines == [HEAD, POST, PUT]
    assert journey(ABSENT, CREATED, profile=unseeing, hopes=Hopes(("c",))).result == Landed(Landing.MOUNTED, "c")


def test_a_blob_known_to_be_there_unmasks_a_host_that_does_not_look() -> None:
    notes = Notes()

    played = journey(STARTED, PRESENT, notes=notes, hopes=Hopes(("c",), known_there=True))

    assert played.lines == [MOUNT, HEAD]
    assert played.result == Landed(Landing.EXISTS)
    assert not notes.profile.mounts_itself


def test_a_blob_that_was_there_once_is_sent_again() -> None:
    notes = Notes()

    assert journey(STARTED, ABSENT, CREATED, notes=notes, hopes=Hopes(known_there=True)).result == SENT
    assert notes.profile == Profile()


def test_a_head_that_may_not_be_asked_decides_nothing() -> None:
    assert journey(Response(403), STARTED, CREATED, profile=Profile(mounts=False)).result == SENT


@pytest.mark.parametrize(
    ("outcomes", "error"),
    [
        ([Response(401)], Unauthorized),
        ([Response(403)], PermissionDenied),
        ([Response(404), ABSENT, refusal(Code.NAME_UNKNOWN)], RepositoryUnknown),
        ([Response(404), ABSENT, Response(418)], AnswerUnexpected),
        ([Response(202)], LocationBroken),
        ([Response(202, {"location": "ftp://x/y"})], LocationBroken),
        ([Response(202, {"location": "http://other.example/u"})], LocationBroken),
        ([STARTED, Response(403)], PermissionDenied),
        ([STARTED, refusal(Code.DIGEST_INVALID)], ContentRefused),
        ([STARTED, Response(418)], AnswerUnexpected),
        ([STARTED, Response(413)], BodyTooLarge),
        ([STARTED, Response(416), STARTED, Response(416)], AnswerUnexpected),
        ([STARTED, Response(503), Response(503)], RegistryFailed),
        ([STARTED, GONE, STARTED, GONE], ThingUnknown),
    ],
)
def test_what_cannot_go_on_says_why(outcomes: list[Response], error: type[LadingError]) -> None:
    with pytest.raises(error):
        journey(*outcomes)


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


def test_a_commit_may_take_longer_the_larger_the_blob() -> None:
    assert commit_seconds(0) == 60
    assert commit_seconds(5 * 1024**3) == 60 + 1280
    assert journey(STARTED, CREATED).asked[1].answer_seconds == pytest.approx(60, abs=1)


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


# ── chunks


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


# ── locations


@pytest.mark.parametrize(
    ("location", "put"),
    [
        ("/v2/u/1", "https://reg.example/v2/u/1?digest="),
        ("https://reg.example:443/v2/u/1?s=a%2Fb", "https://reg.example:443/v2/u/1?s=a%2Fb&digest="),
        ("http://reg.example/v2/u/1", "https://reg.example/v2/u/1?digest="),
        ("https://up.example/u", "https://up.example/u?digest="),
    ],
)
def test_a_location_is_used_as_it_stands(location: str, put: str) -> None:
    asked = journey(Response(202, {"location": location}), CREATED).asked[1]

    assert asked.url == f"{put}sha256%3A{DIGEST.encoded}"
    assert asked.referred_by == ("reg.example" if "up.example" in put else None)


# ── any run of losses

cuts = st.lists(st.tuples(st.sampled_from(["cut", "refuse", "swallow"]), st.integers(0, 100)), max_size=8)


@given(
    held=st.binary(max_size=100),
    troubles=cuts,
    forgets=st.booleans(),
    limit=st.none() | st.integers(2, 60),
    mounts=st.booleans(),
    algorithm=st.sampled_from(Algorithm),
)
def test_whatever_is_lost_on_the_way_the_blob_arrives_and_little_is_sent_twice(
    *,
    held: bytes,
    troubles: list[tuple[str, int]],
    forgets: bool,
    limit: int | None,
    mounts: bool,
    algorithm: Algorithm,
) -> None:
    registry = PlayedRegistry()
    registry.forgets, registry.mounts = forgets, mounts
    digest, notes = Digest.of(held, algorithm), Notes()
    goods = Goods("http://localhost:5000", "a", digest, BytesContent(held))
    conversation = upload(goods, Profile(chunk_limit=limit), notes)

    assert drive(conversation, registry, held, troubles) == SENT
    assert registry.repositories["a"].blobs == {digest: held}
    if not forgets:  # each trouble costs at most the doubtful first byte, or the piece that was refused after it came
        assert registry.received <= len(held) + sum(1 if kind == "cut" else len(held) for kind, _ in troubles)
    assert not notes.sessions or notes.sessions[-1] is None


def drive(
    conversation: Conversation[Landed], registry: PlayedRegistry, held: bytes, troubles: list[tuple[str, int]]
) -> Landed:
    """Bodies meet the troubles in turn: cut after so many bytes, refused unread, or taken with the answer lost."""
    waiting = list(troubles)
    outcome: Response | ConnectionLost
    request = next(conversation)
    for _ in range(200):
        body = held[request.start : request.start + request.body_size] if request.content else b""
        kind, place = waiting.pop(0) if waiting and request.content else ("", 0)
        if kind == "refuse":
            outcome = Response(503)
        elif kind == "cut":
            registry(request, body[:place], whole=False)
            outcome = LOST
        else:
            outcome = registry(request, body)
            outcome = LOST if kind == "swallow" else outcome
        try:
            request = conversation.send(outcome) if isinstance(outcome, Response) else conversation.throw(outcome)
        except StopIteration as end:
            landed: Landed = end.value
            return landed
    raise AssertionError(f"no end: {line(request)}")
