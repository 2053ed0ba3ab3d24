"""A trust server asked over the registry client: logins, limits, and what is told when it does not answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from lading.backends.notary_client.server import NotaryServer, TrustAddress
from lading.errors import AccessDenied, LadingError, ProtocolBroken, TlsRefused
from lading.oci.document import write_json
from lading.proof.tuf_refusals import TrustInvalid
from lading.proof.tuf_walk import FILE_LIMIT, Wanted
from lading.services.notary.refusals import HUB_SERVER, TrustServerAbsent, TrustServerUnreachable
from lading.wire.authorize import Credential, Scope
from lading.wire.message import ConnectFailed, Conversation, Request, Response
from lading.wire.notary import UpdateRefused
from tests.fakes.registry_client import Bench
from tests.fakes.trust_repository import GUN, signer

T = TypeVar("T")
REGISTRY, HOST = "registry.example", "notary.corp:4443"
ANN = Credential("ann", "secret", source="a test")
ROOT_FILE = Wanted("root", FILE_LIMIT)


@dataclass
class TokenNotary:
    """A trust server that wants a token for the repository's full name, and gives some to ann."""

    answer: Callable[[Request], Response]
    scopes: list[str] = field(default_factory=list)

    def __call__(self, request: Request, _body: bytes, _whole: bool) -> Response:
        if request.url.startswith("https://auth.example/token"):
            if request.headers.get("authorization") != f"Basic {base64.b64encode(b'ann:secret').decode()}":
                return Response(401)
            self.scopes += parse_qs(urlsplit(request.url).query)["scope"]
            return Response(200, body=json.dumps({"token": f"for {self.scopes[-1]}".replace(" ", "-")}).encode())
        action = "pull" if request.method == "GET" and not request.url.endswith(".key") else "push,pull"
        if request.headers.get("authorization") != f"Bearer for-repository:{GUN}:{action}":
            scope = f"repository:{GUN}:{action}"
            challenge = f'Bearer realm="https://auth.example/token",service="{HOST}",scope="{scope}"'
            return Response(401, {"www-authenticate": challenge})
        return self.answer(request)


def server_of(bench: Bench, credential: Credential | None = None, url: str = f"https://{HOST}") -> NotaryServer:
    address = TrustAddress.of(url)

    def converse(make: Callable[[str], Conversation[T]], scopes: tuple[Scope, ...], cancel: object) -> T:
        return bench.client.converse(address.host, credential, make, scopes, bench.cancel)

    return NotaryServer(address, REGISTRY, converse)


def always(response: Response) -> Callable[[Request, bytes, bool], Response]:
    return lambda _request, _body, _whole: response


def test_the_registrys_login_opens_it_with_a_token_for_the_full_name() -> None:
    notary = TokenNotary(lambda _request: Response(200, body=b"raw"))
    bench = Bench(answer=notary)

    assert server_of(bench, ANN).fetch(GUN, ROOT_FILE, bench.cancel) == b"raw"
    assert notary.scopes == [f"repository:{GUN}:pull"]


def test_publishing_asks_for_more() -> None:
    notary = TokenNotary(lambda request: Response(200, body=write_json(signer("snapshot").key.document)))
    bench = Bench(answer=notary)
    server = server_of(bench, ANN)

    assert server.public_key(GUN, "snapshot", bench.cancel) == signer("snapshot").key
    server.publish(GUN, {"root": b"x"}, bench.cancel)
    assert notary.scopes == [f"repository:{GUN}:push,pull"]


def test_who_has_no_login_is_told_whose_it_takes() -> None:
    bench = Bench(answer=TokenNotary(lambda _request: Response(200)))

    with pytest.raises(AccessDenied) as refused:
        server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel)

    assert refused.value.command == f"lading login {REGISTRY}"
    assert HOST in str(refused.value)


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_is_denied(status: int) -> None:
    bench = Bench(answer=always(Response(status)))

    with pytest.raises(AccessDenied):
        server_of(bench, ANN).fetch(GUN, ROOT_FILE, bench.cancel)


def test_what_is_not_there_is_none() -> None:
    bench = Bench(answer=always(Response(404)))

    assert server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel) is None


@pytest.mark.parametrize("location", ["http://elsewhere.example/", "file:///etc/passwd", f"https://{HOST}/other"])
def test_no_redirect_is_followed(location: str) -> None:
    bench = Bench(answer=always(Response(307, {"location": location})))

    with pytest.raises(ProtocolBroken):
        server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel)
    assert len(bench.transport.asked) == 1


def test_a_path_before_the_api_is_kept() -> None:
    bench = Bench(answer=always(Response(404)))

    server_of(bench, url=f"https://{HOST}/trust/").fetch(GUN, ROOT_FILE, bench.cancel)

    assert bench.transport.lines == [f"GET /trust/v2/{GUN}/_trust/tuf/root.json"]


def refusing(error: LadingError) -> Callable[[Request, bytes, bool], Response]:
    def answer(_request: Request, _body: bytes, _whole: bool) -> Response:
        raise error

    return answer


def test_one_that_does_not_answer_is_named() -> None:
    bench = Bench(answer=refusing(ConnectFailed(HOST, "nobody listens there")))

    with pytest.raises(TrustServerUnreachable) as refused:
        server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel)

    assert str(refused.value) == f"the trust server {HOST} cannot be reached: nobody listens there"


def test_one_that_is_broken_is_no_answer_either() -> None:
    bench = Bench(answer=always(Response(503)))

    with pytest.raises(TrustServerUnreachable, match="it answers 503"):
        server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel)


def test_a_host_that_is_no_trust_server_is_told_from_one_where_nothing_is_signed() -> None:
    bench = Bench(answer=always(Response(404, body=b"404 page not found")))

    assert server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel) is None
    with pytest.raises(TrustServerAbsent, match=f"{HOST} has no trust server"):
        server_of(bench).public_key(GUN, "snapshot", bench.cancel)


def test_docker_hubs_is_being_switched_off() -> None:
    bench = Bench(answer=refusing(ConnectFailed(HUB_SERVER, "its name is not known")))

    with pytest.raises(TrustServerUnreachable) as refused:
        server_of(bench, url=f"https://{HUB_SERVER}").fetch(GUN, ROOT_FILE, bench.cancel)

    assert "8 December 2026" in (refused.value.hint or "")


def test_a_certificate_that_is_not_believed_stays_a_matter_of_tls() -> None:
    bench = Bench(answer=refusing(TlsRefused(HOST)))

    with pytest.raises(TlsRefused) as refused:
        server_of(bench).fetch(GUN, ROOT_FILE, bench.cancel)

    assert not isinstance(refused.value, TrustServerUnreachable)
    assert refused.value.why == f"{HOST} was asked as the trust server of {REGISTRY}."


def test_a_refused_update_says_why() -> None:
    body = b'{"errors":[{"code":"VERSION","message":"A newer version of metadata is already available."}]}'
    bench = Bench(answer=always(Response(400, body=body)))

    with pytest.raises(UpdateRefused, match=r"A newer version of metadata"):
        server_of(bench).publish(GUN, {"root": b"x"}, bench.cancel)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keytype":"ecdsa"}', b"\xff"])
def test_a_key_that_is_none_is_refused(body: bytes) -> None:
    bench = Bench(answer=always(Response(200, body=body)))

    with pytest.raises(TrustInvalid):
        server_of(bench).rotate(GUN, "timestamp", bench.cancel)


def test_a_file_is_read_no_further_than_a_byte_beyond_its_limit() -> None:
    bench = Bench(answer=lambda _request, _body, _whole: Response(200, body=b"x" * 1000))

    raw = server_of(bench).fetch(GUN, Wanted("timestamp", 99), bench.cancel)

    assert len(raw or b"") == 100
