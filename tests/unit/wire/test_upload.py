"""A blob's journey up, step by step and under any run of losses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import LadingError
from lading.oci.digest import Algorithm, Digest
from lading.wire.endpoint import Profile
from lading.wire.locations import LocationBroken
from lading.wire.message import BytesContent, ConnectionLost, Conversation, Response
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
from lading.wire.sending import Goods, commit_seconds
from lading.wire.upload import Hopes, Landed, Landing, upload
from tests.fakes.conversation import line
from tests.fakes.played_registry import PlayedRegistry, refusal
from tests.unit.wire.upload_journey import (
    ABSENT,
    CREATED,
    DIGEST,
    GONE,
    HEAD,
    LOST,
    MOUNT,
    POST,
    PRESENT,
    PUT,
    SENT,
    STARTED,
    Notes,
    journey,
)

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


def test_a_commit_may_take_longer_the_larger_the_blob() -> None:
    assert commit_seconds(0) == 60
    assert commit_seconds(5 * 1024**3) == 60 + 1280
    assert journey(STARTED, CREATED).asked[1].answer_seconds == pytest.approx(60, abs=1)


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
