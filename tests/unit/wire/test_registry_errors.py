"""What a registry says when it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import AccessDenied, LadingError, NotFound, ProtocolBroken, RateLimited, Refused, Side
from lading.wire.message import Request, Response
from lading.wire.registry_errors import (
    NOT_TRUSTED,
    STATUS,
    AnswerUnexpected,
    BodyTooLarge,
    Code,
    ContentRefused,
    Fault,
    PermissionDenied,
    RegistryFailed,
    RepositoryUnknown,
    SignatureMissing,
    TagLocked,
    ThingUnknown,
    TooManyRequests,
    Unauthorized,
    Unsupported,
    parse,
    refused,
    render,
)

ASKED = Request("PUT", "https://reg.example/v2/a/manifests/1?secret=s3cr3t")

faults = st.builds(
    Fault,
    st.sampled_from(Code),
    st.text(max_size=30),
    st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3).map(json.dumps),
)


def answer(status: int, *codes: Code | str) -> Response:
    return Response(status, {}, render(Fault(code, "said") for code in codes) if codes else b"")


@given(st.lists(faults, max_size=4))
def test_what_the_server_renders_the_client_reads(said: list[Fault]) -> None:
    assert parse(render(said)) == tuple(said)


def test_every_code_has_a_status() -> None:
    assert set(STATUS) == set(Code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><h1>413 Request Entity Too Large</h1></html>",
        b"null",
        b"[1]",
        b'{"errors": "no"}',
        b'{"errors": [1, "x"]}',
        b'{"error": "unauthorized"}',
        b"\xff\xfe{",
        b'{"errors": [{"code"',
        b"[" * 100_000,
        b'{"errors":' + b"[" * 100_000,
    ],
)
def test_whatever_else_stands_in_the_body_is_no_fault(body: bytes) -> None:
    assert parse(body) == ()


@given(st.binary(max_size=80))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    refused(ASKED, Response(400, {}, body))


def test_codes_of_a_registrys_own_are_kept_as_text() -> None:
    assert parse(b'{"errors":[{"code":"QUOTA","message":"full"}]}') == (Fault("QUOTA", "full"),)


@pytest.mark.parametrize(
    ("response", "kind", "root"),
    [
        (answer(401), Unauthorized, AccessDenied),
        (answer(403), PermissionDenied, AccessDenied),
        (answer(404, Code.MANIFEST_UNKNOWN), ThingUnknown, NotFound),
        (answer(404, Code.NAME_UNKNOWN), RepositoryUnknown, NotFound),
        (answer(400, Code.UNSUPPORTED), Unsupported, Refused),
        (answer(400, Code.DENIED), PermissionDenied, AccessDenied),
        (answer(400, Code.MANIFEST_INVALID), ContentRefused, Refused),
        (answer(405), Unsupported, Refused),
        (answer(409), TagLocked, Refused),
        (answer(412), TagLocked, Refused),
        (answer(413), BodyTooLarge, Refused),
        (answer(429, Code.DENIED), TooManyRequests, RateLimited),
        (answer(500), RegistryFailed, ProtocolBroken),
        (answer(522), RegistryFailed, ProtocolBroken),
        (answer(418), AnswerUnexpected, ProtocolBroken),
        (answer(304), AnswerUnexpected, ProtocolBroken),
    ],
)
def test_each_answer_becomes_one_typed_error(
    response: Response, kind: type[LadingError], root: type[LadingError]
) -> None:
    error = refused(ASKED, response)

    assert type(error) is kind
    assert isinstance(error, root)
    assert str(error)


def test_an_image_that_is_not_signed_takes_no_other_login() -> None:
    fault = Fault(Code.DENIED, "app:1 is not signed", NOT_TRUSTED)

    error = refused(ASKED, Response(403, body=render([fault])))

    assert isinstance(error, SignatureMissing)
    assert "app:1 is not signed" in str(error)
    assert isinstance(refused(ASKED, Response(403, body=render([Fault(Code.DENIED, "no")]))), PermissionDenied)


def test_a_tag_that_a_rule_keeps_is_no_fault_of_the_registry() -> None:
    assert refused(ASKED, answer(409)).side is Side.CALLER
    assert refused(ASKED, answer(500)).side is Side.TARGET


def test_an_error_shows_the_request_without_its_query() -> None:
    error = refused(ASKED, answer(403, Code.DENIED))

    assert str(error) == "PUT https://reg.example/v2/a/manifests/1 answered 403 (DENIED: said)"
    assert "s3cr3t" not in repr(error)


def test_a_page_of_a_proxy_is_kept_as_what_the_other_side_said() -> None:
    error = refused(ASKED, Response(413, {}, b"<html>\n <b>too\n large</b>" + b" x" * 5000))

    assert error.raw is not None
    assert error.raw.startswith("<html> <b>too large</b>")
    assert len(error.raw) <= 300
