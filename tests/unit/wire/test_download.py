"""A blob's way down."""

from __future__ import annotations

import pytest

from lading.errors import LadingError, Side
from lading.oci.digest import Digest
from lading.wire.download import AddressNotTaken, EncodingRefused, LengthWrong, RangeWrong, Span, download
from lading.wire.locations import LocationBroken
from lading.wire.message import Response
from lading.wire.registry_errors import AnswerUnexpected, PermissionDenied, ThingUnknown
from tests.fakes.conversation import play

URL = "https://reg.example/v2/a/blobs/x"
DIGEST = Digest.of(b"0123456789")
WHOLE = Span(DIGEST, 10, 0, 10)
TAIL = Span(DIGEST, 10, 4, 10)
MIDDLE = Span(DIGEST, 10, 4, 7)


class Stream:
    """A reader that only knows whether it was closed."""

    closed = False

    def readinto(self, _buffer: memoryview, /) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


def answer(status: int, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, stream=Stream() if status in {200, 206} else None)


@pytest.mark.parametrize(
    ("span", "asked"),
    [(WHOLE, None), (TAIL, "bytes=4-9"), (MIDDLE, "bytes=4-6"), (Span(DIGEST, 10, 0, 3), "bytes=0-2")],
)
def test_a_part_is_asked_for_by_range_and_never_encoded(span: Span, asked: str | None) -> None:
    request = next(download(URL, span))

    assert request.headers.get("range") == asked
    assert request.headers["accept-encoding"] == "identity"
    assert request.streamed


@pytest.mark.parametrize(
    ("span", "response", "skip", "length"),
    [
        (WHOLE, answer(200, content_length="10"), 0, 10),
        (WHOLE, answer(200), 0, 10),
        (WHOLE, answer(200, content_length="9" * 5000), 0, 10),
        (WHOLE, answer(200, content_encoding="identity"), 0, 10),
        (WHOLE, answer(206, content_range="bytes 0-9/10"), 0, 10),
        (TAIL, answer(206, content_range="bytes 4-9/10", content_length="6"), 0, 6),
        (TAIL, answer(206, content_range="bytes 4-9/*"), 0, 6),
        (TAIL, answer(206, content_range="bytes 4-5/10"), 0, 2),
        (MIDDLE, answer(206, content_range="bytes 4-6/10"), 0, 3),
        (TAIL, answer(200, content_length="10"), 4, 6),
        (MIDDLE, answer(200), 4, 3),
    ],
)
def test_what_is_taken_of_an_answer(span: Span, response: Response, skip: int, length: int) -> None:
    part = play(download(URL, span), response).result

    assert (part.skip, part.length) == (skip, length)
    assert part.stream is response.stream


@pytest.mark.parametrize(
    ("span", "response", "error"),
    [
        (WHOLE, answer(200, content_length="9"), LengthWrong),
        (WHOLE, answer(200, content_length="11"), LengthWrong),
        (TAIL, answer(200, content_length="9"), LengthWrong),
        (TAIL, answer(206, content_range="bytes 4-9/11"), LengthWrong),
        (TAIL, answer(206, content_range="bytes 4-9/10", content_length="5"), LengthWrong),
        (TAIL, answer(206, content_range="bytes 3-9/10"), RangeWrong),
        (TAIL, answer(206, content_range="bytes 5-9/10"), RangeWrong),
        (MIDDLE, answer(206, content_range="bytes 4-9/10"), RangeWrong),
        (TAIL, answer(206, content_range="bytes 4-3/10"), RangeWrong),
        (TAIL, answer(206), RangeWrong),
        (TAIL, answer(206, content_range="nonsense"), RangeWrong),
        (WHOLE, answer(200, content_encoding="gzip"), EncodingRefused),
        (TAIL, answer(206, content_range="bytes 4-9/10", content_encoding="br"), EncodingRefused),
        (WHOLE, answer(404), ThingUnknown),
        (WHOLE, answer(403), PermissionDenied),
        (WHOLE, answer(204), AnswerUnexpected),
        (WHOLE, answer(416), AnswerUnexpected),
    ],
)
def test_other_bytes_than_asked_for_are_refused_before_one_is_taken(
    span: Span, response: Response, error: type[LadingError]
) -> None:
    conversation = download(URL, span)
    next(conversation)
    with pytest.raises(error) as caught:
        conversation.send(response)
    assert str(caught.value)
    assert not isinstance(response.stream, Stream) or response.stream.closed


def test_a_range_that_cannot_be_satisfied_is_asked_for_as_a_whole() -> None:
    played = play(download(URL, TAIL), answer(416), answer(200, content_length="10"))

    assert "range" not in played.asked[1].headers
    assert (played.result.skip, played.result.length) == (4, 6)


def test_a_redirect_keeps_the_range_and_carries_no_authorization() -> None:
    elsewhere = Response(307, {"location": "https://cdn.example/x?sig=1"})

    played = play(download(URL, TAIL), elsewhere, answer(206, content_range="bytes 4-9/10"))

    assert played.asked[1].headers["range"] == "bytes=4-9"
    assert played.asked[1].referred_by == "reg.example"
    assert not any("authorization" in request.headers for request in played.asked)


def test_an_expired_signature_is_renewed_at_the_registry() -> None:
    old, new = (Response(307, {"location": f"https://cdn.example/{name}"}) for name in ("old", "new"))

    played = play(download(URL, WHOLE), old, Response(403), new, answer(200))

    assert [request.url.rpartition("/")[2] for request in played.asked] == ["x", "old", "x", "new"]


EXPIRED = b"""<?xml version="1.0"?>
<Error><Code>AccessDenied</Code><Message>Request has
expired</Message><Resource>/x</Resource></Error>"""


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, EXPIRED, "403 (AccessDenied: Request has expired)"),
        (403, b"<Error><Code>AccessDenied</Code></Error>", "403 (AccessDenied)"),
        (400, b"<html>Bad Request</html>", "400"),
        (410, b"", "410"),
    ],
)
def test_an_address_that_is_not_taken_is_no_matter_of_a_login(status: int, body: bytes, told: str) -> None:
    """Whoever gave it has to look after it: who asks has no account where it leads."""
    elsewhere = Response(307, {"location": "https://store.example/x?sig=s3cr3t"})

    with pytest.raises(AddressNotTaken) as caught:
        play(download(URL, WHOLE), elsewhere, Response(status, {}, body), elsewhere, Response(status, {}, body))

    assert str(caught.value) == f"reg.example sent us on to store.example, which answered {told}"
    assert (caught.value.side, caught.value.command) == (Side.SOURCE, None)
    assert "s3cr3t" not in f"{caught.value.args} {caught.value.raw}"


def test_going_in_circles_ends() -> None:
    with pytest.raises(LocationBroken):
        play(download(URL, WHOLE), *[Response(302, {"location": URL})] * 20)
