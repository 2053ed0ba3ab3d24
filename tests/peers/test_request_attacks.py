"""What a rude client tries on `lading serve`: tricks in paths and framing, too much, too slow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fakes.raw_client import RawClient
from tests.fronts.rest_api.caller import address
from tests.peers.besieged import Besieged, siege


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with siege(tmp_path_factory.mktemp("besieged") / "data") as running:
        yield running


# ── paths

TRICKS = [
    "/api/../api/images",
    "/api/%2e%2e/images",
    "/api/./images",
    "//api/images",
    "/api//images",
    "/API/IMAGES",
    "/api/images%00",
    "/api/images/%00",
    "/api/images/a%00b",
    "/api/images/..%2f..%2f..%2fetc%2fpasswd",
    "/api/images/..%5c..%5cwindows",
    "/api/images/%2e%2e%2f%2e%2e%2fsecret.key/export",
    "/pages/../../../etc/passwd",
    "/pages/..%2f..%2frest_api%2fpages%2fstyle.css",
    "/pages/%2e%2e/routes.py",
    "/api/images/imports/..%2f..%2fsecret.key",
    "/api/images/imports/../secret.key",
    "/api/images/imports/%2e%2e",
    "/api/jobs/..%2f..%2fusers",
    "/api/jobs/" + "a" * 20_000,
    "/api/images/" + "a" * 20_000,
    "/api/images/" + "a%2F" * 5_000,
    "/api/images/%ff%fe",
    "/api/images/%",
    "/api/images/%zz",
    "/api/images/a?env=1%00",
    "/api/images/%E2%80%AE",
    "/api/users/1;drop",
    "/api/users/1%20or%201=1",
    "/api/audit?username='%20or%20'1'='1",
    "/api/images?filter=" + "%25" * 500,
]


@pytest.mark.parametrize("path", TRICKS, ids=lambda path: path[:50])
def test_a_path_leads_nowhere_but_to_its_route(besieged: Besieged, path: str) -> None:
    for method in ("GET", "DELETE", "PATCH", "PUT"):
        answer = besieged.admin(method, path)
        assert answer.status in {200, 400, 404, 405, 413} if method == "GET" else {400, 404, 405}, (method, answer.text)
        assert b"root:" not in answer.body
    if "?" not in path:
        assert besieged.nobody.get(path).status != 200
    assert besieged.service.data.joinpath("secret.key").exists()


@pytest.mark.parametrize(
    "line",
    [
        "GET http://evil.test/api/images HTTP/1.1",
        "GET /api/images\x01 HTTP/1.1",
        "GET /api/images HTTP/9.9",
        "GET api/images HTTP/1.1",
        "FOO /api/images HTTP/1.1",
        "GET  /api/images HTTP/1.1",
        "GET /\xff HTTP/1.1",
        "CONNECT evil.test:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "TRACE /api/images HTTP/1.1",
        "PRI * HTTP/2.0",
    ],
)
def test_an_odd_request_line_is_refused(besieged: Besieged, line: str) -> None:
    with RawClient(address(besieged.admin.api)) as client:
        client.send(line.encode("latin-1") + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = client.socket.recv(4096).partition(b"\r\n")[0]
    assert status.split(b" ")[1] in {b"400", b"401", b"404", b"405"}, status


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 5\nContent-Length: 6\n",
        "Content-Length: 5\nTransfer-Encoding: chunked\n",
        "Transfer-Encoding: chunked, identity\n",
        "Content-Length: -1\n",
        "Content-Length: 1e3\n",
        "X: a\x00b\n",
    ],
)
def test_a_body_whose_end_is_two_things_is_refused(besieged: Besieged, fields: str) -> None:
    with RawClient(address(besieged.admin.api)) as client:
        client.send(f"POST /api/auth/login HTTP/1.1\nHost: localhost\n{fields}Connection: close\n\n0\n\n")
        status = client.socket.recv(4096).partition(b"\r\n")[0]
    assert status.split(b" ")[1] == b"400", status


# ── too much, too slow


def test_a_body_without_an_end_is_cut_short_for_strangers(besieged: Besieged) -> None:
    """Memory stays where it was: nothing is read beyond a megabyte, logged in or not."""
    before = resident(besieged)
    chunk = b"%x\r\n%s\r\n" % (1 << 16, b" " * (1 << 16))
    for path in (
        "/api/auth/login",
        "/login",
        "/api/images/pull",
        "/api/images/importx/tag",
        "/api/images/import%2F/tag",
    ):
        with RawClient(address(besieged.admin.api)) as client:
            client.send(f"POST {path} HTTP/1.1\nHost: localhost\nContent-Type: application/json\n")
            client.send("Transfer-Encoding: chunked\n\n")
            refused = b""
            try:
                for _ in range(2000):
                    client.send(chunk)
                refused = client.socket.recv(4096)
            except OSError:
                refused = b"hung up"
            assert refused == b"hung up" or b" 413 " in refused, path
    assert resident(besieged) - before < 64 << 20


def resident(besieged: Besieged) -> int:
    """Bytes of memory that the service's process holds."""
    line = next(
        line for line in besieged.admin.get("/metrics").text.splitlines() if line.startswith("process_resident_memory")
    )
    return int(float(line.split()[1]))


def test_an_import_takes_a_login_before_it_takes_bytes(besieged: Besieged) -> None:
    with RawClient(address(besieged.admin.api)) as client:
        client.send("POST /api/images/import HTTP/1.1\nHost: localhost\nContent-Length: 1000000000\n\n")
        assert client.head().status == 401
    assert not list((besieged.service.data / "imports").glob("0-*"))


def test_slow_clients_keep_nobody_waiting(besieged: Besieged) -> None:
    with ExitStack() as slow:
        for _ in range(200):
            client = slow.enter_context(RawClient(address(besieged.admin.api)))
            client.send("POST /api/auth/login HTTP/1.1\nHost: localhost\nX-Slow: ")
        assert besieged.nobody.get("/healthz").status == 200
        assert besieged.admin.get("/api/images").status == 200


@pytest.mark.parametrize(
    "text",
    ["=cmd|'/c calc'!A1", "a\r\nSet-Cookie: x=y", "\u202efdp.exe", "\x1b[31m", "<script>alert(1)</script>", "%s%s%n"],
)
def test_what_strangers_write_is_only_text(besieged: Besieged, text: str) -> None:
    besieged.nobody.post("/api/auth/login", {"username": text, "password": text})
    besieged.admin.post("/api/images/pull", {"image": text})
    besieged.admin.post("/api/auth/tokens", {"name": text})
    page = besieged.admin.get("/status", Accept="text/html")
    table = besieged.admin.get("/api/audit/export?format=csv")

    assert "<script" not in page.text
    assert "\n=cmd" not in table.text
    assert ",=cmd" not in table.text
    assert "\x1b" not in besieged.service.log.read_text()
    for answer in (page, table):
        assert "x=y" not in answer.headers.get("set-cookie", "")
