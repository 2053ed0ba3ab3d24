"""What a daemon says when something failed: recorded from dockerd 20.10, and as the sources of others have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import (
    AccessDenied,
    ContentCorrupt,
    InputInvalid,
    LadingError,
    NetworkFailed,
    NotFound,
    RateLimited,
    Refused,
    StorageFailed,
    TlsRefused,
)
from lading.wire.docker_faults import SAID_LIMIT, PlatformNotOffered, fault, message_of

PUSH_REFUSED = 'Get "https://192.0.2.2:5000/v2/": '


@pytest.mark.parametrize(
    ("said", "status", "kind", "code"),
    [
        # recorded
        ("unauthorized: authentication required", None, AccessDenied, "registry_auth"),
        ("unauthorized: authentication required", 500, AccessDenied, "registry_auth"),
        ("no basic auth credentials", None, AccessDenied, "registry_auth"),
        (
            'Head "http://127.0.0.1:55611/v2/team/app/manifests/1": no basic auth credentials',
            500,
            AccessDenied,
            "registry_auth",
        ),
        (
            'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
            500,
            NetworkFailed,
            "network",
        ),
        (
            'Get "https://no-such.invalid:5000/v2/": dial tcp: lookup no-such.invalid on 192.0.2.53:53: no such host',
            None,
            NetworkFailed,
            "network",
        ),
        (PUSH_REFUSED + "x509: certificate signed by unknown authority", None, TlsRefused, "tls"),
        (PUSH_REFUSED + "http: server gave HTTP response to HTTPS client", None, TlsRefused, "tls"),
        ("tag does not exist: 127.0.0.1:1/team/app:nope", None, NotFound, "not_found"),
        ("An image does not exist locally with the tag: 127.0.0.1:1/team/none", None, NotFound, "not_found"),
        (
            "manifest for 127.0.0.1:1/team/app:nope not found: manifest unknown: manifest unknown",
            404,
            NotFound,
            "not_found",
        ),
        ("No such image: nope:1", 404, NotFound, "not_found"),
        ("reference does not exist", 404, NotFound, "not_found"),
        (
            "conflict: unable to delete 76c21b6c8c77 (must be forced) - image is referenced in multiple repositories",
            409,
            Refused,
            "denied",
        ),
        (f"Cannot overwrite digest sha256:{'0' * 64}", None, Refused, "denied"),
        ("Error processing tar file(exit status 1): unexpected EOF", None, ContentCorrupt, "corrupt"),
        # from the facts
        ("toomanyrequests: You have reached your pull rate limit.", 500, RateLimited, "rate_limited"),
        (
            "error from registry: denied: requested access to the resource is denied",
            None,
            AccessDenied,
            "registry_auth",
        ),
        ("anything", 401, AccessDenied, "registry_auth"),
        ("anything", 403, AccessDenied, "registry_auth"),
        ("anything", 429, RateLimited, "rate_limited"),
        ("invalid reference format", 400, InputInvalid, "invalid"),
        (
            "pull access denied for x, repository does not exist or may require 'docker login'",
            404,
            NotFound,
            "not_found",
        ),
        ("no matching manifest for linux/arm64 in the manifest list entries", 404, PlatformNotOffered, "platform"),
        (
            "image with reference x was found but does not provide the specified platform (linux/arm64)",
            None,
            PlatformNotOffered,
            "platform",
        ),
        ("write /var/lib/docker/tmp/x: no space left on device", 500, StorageFailed, "storage"),
        ("something nobody has seen before", 500, LadingError, "failed"),
    ],
)
def test_a_daemons_sentence_becomes_a_typed_cause(
    said: str, status: int | None, kind: type[LadingError], code: str
) -> None:
    error = fault(said, status)

    assert isinstance(error, kind)
    assert error.code == code
    assert said in str(error)


def test_a_host_in_a_url_is_not_taken_for_a_cause() -> None:
    error = fault('Get "https://unauthorized:5000/v2/": dial tcp 192.0.2.1:5000: connect: connection refused')
    assert isinstance(error, NetworkFailed)
    assert not isinstance(fault('Get "https://x509:5000/v2/": dial tcp: connection refused'), TlsRefused)


@given(st.text(max_size=3000))
def test_whatever_is_said_is_shown_bounded_and_on_one_line(said: str) -> None:
    shown = fault(said).said
    assert 0 < len(shown) <= SAID_LIMIT
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"No such image: x"}', "No such image: x"),
        (b"page not found\n", "page not found\n"),
        (b'["x"]', '["x"]'),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_the_sentence_of_an_error_answer(body: bytes, message: str) -> None:
    assert message_of(body) == message
