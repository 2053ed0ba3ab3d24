"""TLS with certificates on both sides, of an authority of our own."""

from __future__ import annotations

import ssl
from pathlib import Path
from queue import Queue

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import KnownClients
from lading.fronts.http.exchange import Answer, IncomingRequest
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

GET = "GET /x HTTP/1.1\nHost: localhost\n\n"
ANY = [("127.0.0.1", 0)]
OK = Answer(200, (("Content-Length", "0"),))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def client(authority: Authority) -> Certificate:
    return authority.client("ann")


def known(authority: Authority, *, plain: bool = False) -> KnownClients:
    shown = authority.server("127.0.0.1")
    texts = (shown.certificate, shown.key, authority.certificate)
    return KnownClients(*(path.read_text() for path in texts), plain=plain)


def context(authority: Authority, shown: Certificate | None) -> ssl.SSLContext:
    found = ssl.create_default_context(cafile=authority.certificate)
    if shown:
        found.load_cert_chain(shown.certificate, shown.key)
    return found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_application_is_told_the_clients_certificate(
    authority: Authority, client: Certificate, version: ssl.TLSVersion
) -> None:
    seen: Queue[IncomingRequest] = Queue()

    def application(request: IncomingRequest) -> Answer:
        seen.put(request)
        return OK

    tls = context(authority, client)
    tls.minimum_version = tls.maximum_version = version
    with (
        ByteServer(ANY, application, certificate=known(authority)) as server,
        RawClient(server.addresses[0], tls) as raw,
    ):
        assert raw.send(GET).reply().status == 200

    request = seen.get(timeout=WAIT_SECONDS)
    assert request.secure
    assert request.peer.certificate == ssl.PEM_cert_to_DER_cert(client.certificate.read_text())
    assert request.peer.address == "127.0.0.1"


def test_nobody_comes_in_without_a_certificate_of_that_authority(
    authority: Authority, client: Certificate, tmp_path: Path
) -> None:
    asked: Queue[IncomingRequest] = Queue()

    def application(request: IncomingRequest) -> Answer:
        asked.put(request)
        return OK

    shown = [None, Authority(tmp_path, "Another").client("ann"), authority.server("server")]
    with ByteServer(ANY, application, certificate=known(authority)) as server:
        for each in shown:
            assert _is_refused(server, context(authority, each))
        with RawClient(server.addresses[0]) as raw:
            assert raw.send(GET).reply().status == 400

    assert asked.empty()


def test_no_session_is_taken_up_again(authority: Authority, client: Certificate) -> None:
    tls = context(authority, client)
    with (
        ByteServer(ANY, lambda _: OK, certificate=known(authority)) as server,
        RawClient(server.addresses[0], tls) as raw,
    ):
        raw.send(GET).reply()
        assert isinstance(raw.socket, ssl.SSLSocket)
        assert raw.socket.session is None or not raw.socket.session.has_ticket


def test_loopback_may_speak_in_the_clear_as_well(authority: Authority, client: Certificate) -> None:
    seen: Queue[IncomingRequest] = Queue()

    def application(request: IncomingRequest) -> Answer:
        seen.put(request)
        return OK

    with ByteServer(ANY, application, certificate=known(authority, plain=True)) as server:
        with RawClient(server.addresses[0]) as raw:
            assert raw.send(GET).reply().status == 200
            assert raw.send(GET).reply().status == 200
        with RawClient(server.addresses[0], context(authority, client)) as raw:
            assert raw.send(GET).reply().status == 200
        assert _is_refused(server, context(authority, None))

    plain, _, secure = [seen.get(timeout=WAIT_SECONDS) for _ in range(3)]
    assert (plain.secure, plain.peer.certificate) == (False, None)
    assert secure.secure
    assert secure.peer.certificate


def _is_refused(server: ByteServer, tls: ssl.SSLContext) -> bool:
    """In TLS 1.3 the client hears of it with the first answer."""
    try:
        with RawClient(server.addresses[0], tls) as raw:
            raw.send(GET).reply()
    except (ssl.SSLError, ConnectionError):
        return True
    return False
