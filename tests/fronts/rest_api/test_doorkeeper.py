"""What holds before anything is routed: hosts, origins, paths, and bodies that are too long or too slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames, is_led
from lading.fronts.rest_api.doorkeeper import LONGEST_BODY, Doorkeeper, routed
from tests.fakes.raw_client import RawClient
from tests.fronts.rest_api.caller import House, address

NAMES = OurNames.of_urls(["https://lading.example:8443", "http://Plain.example"])


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("127.0.0.1:3000", True),
        ("[::1]:3000", True),
        ("192.0.2.7:3000", True),
        ("sub.localhost", True),
        ("lading.example", True),
        ("LADING.example:3000", True),
        ("plain.example", True),
        ("", False),
        ("evil.test", False),
        ("evil.test:3000", False),
        ("127.0.0.1.evil.test", False),
        ("localhost.evil.test", False),
        ("lading.example.evil.test", False),
        ("lading.example@evil.test", False),
        ("evil.test@lading.example", False),
        ("a b", False),
        ("[::1", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("127.0.0.1/evil", False),
        ("127.0.0.1:abc", False),
        ("127.0.0.1:", False),
        ("127.0.0.1:99999999", False),
        ("127.0.0.1#evil", False),
        ("127.0.0.1,evil.test", False),
        ("[::1%25lo]", False),
        ("[::1%lo]", False),
        ("[lading.example]", False),
        ("127.0.0.1\n", False),
    ],
)
def test_a_name_is_ours_or_somebody_elses(host: str, ours: bool) -> None:
    assert NAMES.permits_host(host) is ours


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        (None, "127.0.0.1:3000", True),
        ("http://127.0.0.1:3000", "127.0.0.1:3000", True),
        ("https://127.0.0.1:3000", "127.0.0.1:3000", True),
        ("http://LOCALHOST:3000", "localhost:3000", True),
        ("https://lading.example:8443", "127.0.0.1:3000", True),
        ("http://plain.example", "lading", True),
        ("null", "127.0.0.1:3000", False),
        ("", "127.0.0.1:3000", False),
        ("http://127.0.0.1:3001", "127.0.0.1:3000", False),
        ("http://127.0.0.1", "127.0.0.1:3000", False),
        ("http://evil.test", "127.0.0.1:3000", False),
        ("https://lading.example", "127.0.0.1:3000", False),
        ("http://lading.example:8443", "127.0.0.1:3000", False),
        ("https://lading.example:9000", "lading.example:8443", False),
        ("ftp://127.0.0.1:3000", "127.0.0.1:3000", False),
        ("127.0.0.1:3000", "127.0.0.1:3000", False),
    ],
)
def test_a_page_is_ours_or_somebody_elses(origin: str | None, host: str, ours: bool) -> None:
    assert NAMES.permits_origin(origin, host) is ours


@pytest.mark.parametrize(
    ("origin", "site", "method", "led"),
    [
        (None, None, "POST", False),
        (None, "none", "POST", False),
        (None, "same-origin", "POST", False),
        (None, "same-site", "POST", True),
        (None, "cross-site", "DELETE", True),
        (None, "cross-site", "GET", False),
        ("http://127.0.0.1:3000", "same-site", "POST", False),
    ],
)
def test_a_browser_that_withholds_origin_says_where_the_page_is(
    origin: str | None, site: str | None, method: str, led: bool
) -> None:
    assert is_led(origin, site, method) is led


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_only_a_trusted_proxys_word_counts(peer: str, forwarded: str | None, client: str) -> None:
    forwarding = Forwarding.parse(["10.0.0.0/8"])

    assert forwarding.client(peer, forwarded) == client
    assert forwarding.is_secure(peer, "http", "https") is (peer == "10.0.0.1")
    assert forwarding.is_secure(peer, "https", None)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/api/images/a", "/api/images/a"),
        (b"/api/images/a%2Fb", "/api/images/a%2Fb"),
        (b"/api/images/a%2fb", "/api/images/a%2Fb"),
        (b"/api/images/a%252Fb", "/api/images/a%252Fb"),
        (b"/api/images/a%3Ab%40c", "/api/images/a:b@c"),
        (b"/%61pi/images", "/api/images"),
        (b"/api/%2e%2e/x", "/api/../x"),
        (b"/\xff", "/\xff"),
        (b"/%ff", "/\ufffd"),
    ],
)
def test_a_slash_in_a_name_is_not_one_between_segments(raw: bytes, path: str) -> None:
    assert routed(raw) == path


# ── bodies, in process: what is sent decides, not the clock of the machine


async def _told(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole body, and says how much it was; answers a refusal as the framework does."""
    count = 0
    try:
        async for piece in Request(scope, receive).stream():
            count += len(piece)
    except HTTPException as error:
        await JSONResponse(error.detail, error.status_code, error.headers)(scope, receive, send)
        return
    await JSONResponse(count)(scope, receive, send)


def ask(pieces: Iterable[bytes | None], *, seconds: float = 60.0, streams: bool = False) -> tuple[int, object]:
    """Status and body; None among the pieces is a client that sends nothing more."""
    rest, sent = iter(pieces), list[Message]()

    async def receive() -> Message:
        piece = next(rest, b"")
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/x", "raw_path": b"/x", "scheme": "http", "headers": headers}
    door = Doorkeeper(_told, OurNames(), Forwarding(), lambda *_: streams, lambda *_: None, seconds)
    asyncio.run(door(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_a_body_within_bounds_is_read() -> None:
    assert ask([b"a" * 1000, b"b"]) == (200, 1001)
    assert ask([b"a" * LONGEST_BODY]) == (200, LONGEST_BODY)
    assert ask([b"a" * LONGEST_BODY, b"b"], streams=True) == (200, LONGEST_BODY + 1)


def test_a_body_that_is_too_long_is_refused_where_it_ends_not_by_itself() -> None:
    assert ask([b"a" * LONGEST_BODY, b"b", None]) == (413, f"The body is longer than {LONGEST_BODY} bytes")


@pytest.mark.parametrize("streams", [False, True])
def test_a_body_that_comes_too_slowly_is_given_up(streams: bool) -> None:
    assert ask([b"a", None], seconds=0.01, streams=streams) == (408, "The body comes too slowly")


@pytest.mark.parametrize(
    ("fields", "address", "server"),
    [
        ([("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.1")], "198.51.100.1", "http://localhost"),
        ([("x-forwarded-for", "203.0.113.9, 198.51.100.1")], "198.51.100.1", "http://localhost"),
        ([("x-forwarded-proto", "https")], "10.0.0.1", "https://localhost"),
        ([("x-forwarded-host", "evil.test"), ("x-forwarded-host", "lading.corp")], "10.0.0.1", "http://lading.corp"),
        ([], "10.0.0.1", "http://localhost"),
    ],
)
def test_what_a_proxy_says_may_stand_in_several_fields(
    fields: Sequence[tuple[str, str]], address: str, server: str
) -> None:
    """As some append a field to the client's own (RFC 9110, 5.3)."""
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "raw_path": b"/x",
        "scheme": "http",
        "client": ("10.0.0.1", 1),
        "headers": [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in fields)],
    }
    seen = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["state"]["address"], scope["state"]["server"]))

    async def nothing() -> Message:
        return {}

    async def nowhere(_message: Message) -> None:
        """Nothing is answered."""

    names, forwarding = OurNames.of_urls(["https://lading.corp"]), Forwarding.parse(["10.0.0.1"])
    asyncio.run(Doorkeeper(look, names, forwarding, lambda *_: False, lambda *_: None)(scope, nothing, nowhere))
    assert seen == [(address, server)]


# ── the same at a service that runs


@pytest.mark.parametrize("path", ["/api/images/pull", "/login", "/api/images/importx/tag", "/api/images/imports"])
def test_nothing_longer_than_its_route_takes_is_read(house: House, path: str) -> None:
    declared = house.nobody("POST", path, headers={"Content-Length": str(LONGEST_BODY + 1)})

    assert declared.brief == (413, f"The body is longer than {LONGEST_BODY} bytes")
    if path != "/api/images/imports":  # which reads none
        with RawClient(address(house.running.api)) as client:
            client.send(f"POST {path} HTTP/1.1\nHost: localhost\nContent-Type: application/json\n")
            client.send("Transfer-Encoding: chunked\n\n")
            chunk = b"%x\r\n%s\r\n" % (65536, b" " * 65536)
            client.send(*[chunk] * 17)
            assert client.head().status == 413


@pytest.mark.parametrize(
    "said",
    [
        "Host: 127.0.0.1/evil",
        "Host: 127.0.0.1:abc",
        "Host: [::1%25lo]",
        "Host:",
        "X-Host: localhost",
        "Host: localhost\nHost: localhost",
        "Host: localhost\nHost: evil.test",
        "Host: localhost\nOrigin: http://localhost\nOrigin: http://evil.test",
    ],
)
def test_what_names_no_one_host_is_refused_before_anything(house: House, said: str) -> None:
    with RawClient(address(house.running.api)) as client:
        client.send(f"GET /healthz HTTP/1.1\n{said}\n\n")
        assert client.head().status == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_who_watches_need_not_know_our_name(house: House, path: str) -> None:
    """As HAProxy asks by itself: in HTTP/1.0, and of no host."""
    with RawClient(address(house.running.api)) as client:
        client.send(f"GET {path} HTTP/1.0\n\n")
        assert client.head().status == (401 if path == "/metrics" else 200)


def test_all_else_is_asked_of_a_host_by_whoever_asks(house: House) -> None:
    for said in ("GET /api/images HTTP/1.0", "GET /healthz HTTP/1.0\nHost: evil.test/x", "GET /login HTTP/1.0"):
        with RawClient(address(house.running.api)) as client:
            client.send(f"{said}\n\n")
            assert client.head().status == 400


def test_another_site_is_told_nothing(house: House) -> None:
    by_host = house.admin.get("/api/images", Host="evil.test")
    by_origin = house.admin.post("/api/images/pull", {"image": "a"}, Origin="http://evil.test")

    assert by_host.brief == (421, "This server does not go by the name 'evil.test'")
    assert by_host.json["hint"] == "If it should, its setting public-url has to say so."
    assert by_origin.brief == (403, "Permission denied")
