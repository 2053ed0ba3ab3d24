"""Which scheme is spoken with a registry, and where a login may go."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.backends.http.refusals import HandshakeFailed
from lading.engine.stores import TagUnknown
from lading.errors import LadingError
from lading.wire.authorize import Credential, PlainTextLogin
from lading.wire.endpoint import Endpoint, Profile, Tls
from lading.wire.message import (
    ConnectFailed,
    PlainHttpAnswered,
    Request,
    Response,
    TlsExpected,
)
from lading.wire.registry_errors import LoginNeeded, LoginRefused
from tests.fakes.registry_client import HOST, INSECURE, PLAIN, Bench
from tests.unit.registry_client.exchanges import CONTENT, LAYER, UNREACHED


def schemes(bench: Bench) -> list[str]:
    return [asked.request.url.partition(":")[0] for asked in bench.transport.asked]


# ── https and http


def test_tls_is_what_is_spoken_and_learned() -> None:
    bench = Bench()

    assert not bench.repository().has(LAYER)
    assert schemes(bench) == ["https"]
    assert bench.profiles.of(HOST).scheme == "https"


@pytest.mark.parametrize("failure", [PlainHttpAnswered(HOST), UNREACHED])
def test_plain_http_is_tried_where_the_user_allows_it(failure: LadingError) -> None:
    bench = Bench(endpoint=INSECURE)
    bench.transport.trouble("HEAD", failure)
    repository = bench.repository()

    repository.has(LAYER)
    repository.has(LAYER)

    assert schemes(bench) == ["https", "http", "http"]
    assert bench.profiles.of(HOST).scheme == "http"


def test_plain_http_is_tried_on_this_machine() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", PlainHttpAnswered("localhost:5000"))

    bench.repository(host="localhost:5000").has(LAYER)

    assert schemes(bench) == ["https", "http"]


def test_threads_that_meet_a_plain_registry_together_all_get_through() -> None:
    start = threading.Barrier(8)

    def plain(request: Request, body: bytes, whole: bool) -> Response:
        if request.url.startswith("https:"):
            raise PlainHttpAnswered(HOST)
        return bench.registry(request, body, whole)

    def ask(_number: int) -> bool:
        start.wait(60)
        return repository.has(LAYER)

    bench = Bench(endpoint=INSECURE, answer=plain)
    repository = bench.repository()

    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(ask, range(8)))


@pytest.mark.parametrize(
    ("endpoint", "profile"),
    [(Endpoint(HOST), Profile()), (Endpoint(HOST, tls=Tls.SKIP), Profile()), (INSECURE, Profile(scheme="https"))],
)
def test_nobody_else_is_taken_off_tls(endpoint: Endpoint, profile: Profile) -> None:
    bench = Bench(endpoint=endpoint)
    bench.profiles.learn(HOST, profile)
    bench.transport.trouble("HEAD", PlainHttpAnswered(HOST))

    with pytest.raises(PlainHttpAnswered):
        bench.repository().has(LAYER)
    assert schemes(bench) == ["https"]


def test_what_is_configured_as_plain_is_never_asked_for_tls() -> None:
    bench = Bench(endpoint=PLAIN)

    bench.repository().has(LAYER)

    assert schemes(bench) == ["http"]


def test_a_learned_scheme_is_tried_first_and_a_changed_one_found() -> None:
    bench = Bench(endpoint=INSECURE)
    bench.profiles.learn(HOST, Profile(scheme="http"))
    bench.transport.trouble("HEAD", Response(400))

    bench.repository().has(LAYER)

    assert schemes(bench) == ["http", "https"]
    assert bench.profiles.of(HOST).scheme == "https"


def test_a_host_that_never_answered_is_not_waited_for() -> None:
    bench = Bench(endpoint=INSECURE)
    bench.transport.trouble("HEAD", UNREACHED, ConnectFailed(HOST, "second"))

    with pytest.raises(ConnectFailed, match="refused"):
        bench.repository().has(LAYER)
    assert bench.clock.waited == []


# ── logins over plain HTTP


@pytest.mark.parametrize(
    ("endpoint", "host", "sent"),
    [(PLAIN, HOST, True), (INSECURE, HOST, True), (Endpoint("localhost:5000"), "localhost:5000", True)],
)
def test_a_password_goes_over_plain_http_where_that_is_allowed(endpoint: Endpoint, host: str, sent: bool) -> None:
    bench = Bench(endpoint=endpoint, credential=Credential("ann", "pw"))
    if endpoint.tls is not Tls.HTTP:
        bench.transport.trouble("HEAD", PlainHttpAnswered(host))
    bench.transport.trouble("HEAD", Response(401, {"www-authenticate": 'Basic realm="r"'}))

    bench.repository(host=host).has(LAYER)

    assert (bench.transport.asked[-1].authorization is not None) is sent


@pytest.mark.parametrize(
    ("over_tls", "expected"),
    [
        (Response(404), TlsExpected),
        (HandshakeFailed(HOST, "no shared cipher"), TlsExpected),
        (PlainHttpAnswered(HOST), TagUnknown),
        (UNREACHED, TagUnknown),
    ],
    ids=["it answers", "it speaks TLS that we do not like", "it is plain HTTP", "nothing"],
)
def test_a_port_that_wants_tls_is_told_apart_from_a_registry_that_refuses(
    over_tls: Response | LadingError, expected: type[LadingError]
) -> None:
    bench = Bench(endpoint=PLAIN)
    bench.transport.trouble("HEAD", Response(400))
    bench.transport.trouble("GET", over_tls)

    with pytest.raises(expected, match=HOST):
        bench.repository().resolve("1")

    assert schemes(bench)[:2] == ["http", "https"]


def test_a_login_without_a_credential_is_asked_for() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", *[Response(401, {"www-authenticate": 'Basic realm="r"'})] * 2)

    with pytest.raises(LoginNeeded) as needed:
        bench.repository().resolve("1")

    assert str(needed.value.command).startswith(f"lading login {HOST} ")


def test_the_registry_is_named_where_its_token_service_refuses() -> None:
    bench = Bench(credential=Credential("ann", "pw", source="a file"))
    bench.transport.trouble("HEAD", Response(401, {"www-authenticate": 'Bearer realm="https://auth.example/token"'}))
    bench.transport.trouble("GET", Response(401))

    with pytest.raises(LoginRefused, match=f"^{HOST} does not take the login from a file: GET https://auth") as refused:
        bench.repository().resolve("1")

    assert str(refused.value.command).endswith(f"lading login {HOST}")


def test_a_wrong_login_names_its_source() -> None:
    bench = Bench(credential=Credential("ann", "pw", source="~/.docker/config.json"))
    bench.transport.trouble("HEAD", *[Response(401, {"www-authenticate": 'Basic realm="r"'})] * 2)

    with pytest.raises(LoginRefused, match=r"the login from ~/\.docker/config\.json"):
        bench.repository().resolve("1")


def answers_elsewhere(request: Request, _body: bytes, _whole: bool) -> Response:
    if "cdn" in request.url:
        return Response(200, {"content-length": "200"}, CONTENT)
    return Response(307, {"location": "https://cdn.example/signed?sig=1"})


def test_a_login_is_not_carried_to_another_host() -> None:
    bench = Bench(answer=answers_elsewhere, credential=Credential("ann", registry_token="t"))

    bench.repository().open(LAYER).close()

    assert [asked.authorization for asked in bench.transport.asked] == ["Bearer t", None]


def test_another_host_cannot_send_a_login_back_without_tls() -> None:
    there = {f"https://{HOST}": "https://cdn.example/signed", "https://cdn.example": f"http://{HOST}/v2/a/blobs/x"}

    def sends_back(request: Request, _body: bytes, _whole: bool) -> Response:
        for origin, location in there.items():
            if request.url.startswith(origin):
                return Response(307, {"location": location})
        return Response(200, {"content-length": "200"}, CONTENT)

    bench = Bench(answer=sends_back, credential=Credential("ann", registry_token="t"))
    repository = bench.repository()

    repository.open(LAYER).close()
    repository.open(LAYER).close()

    assert [asked.authorization for asked in bench.transport.asked] == ["Bearer t", None, None] * 2
    assert bench.profiles.of(HOST).scheme == "https"


def test_a_refusal_that_repeats_our_login_repeats_it_to_nobody() -> None:
    body = b'{"errors": [{"code": "DENIED", "message": "no entry with Bearer s3cr3t-t0k3n"}]}'
    bench = Bench(credential=Credential("ann", registry_token="s3cr3t-t0k3n"))
    bench.transport.trouble("HEAD", Response(403))
    bench.transport.trouble("GET", Response(403, {}, body))

    with pytest.raises(LadingError, match=r"no entry with Bearer \*\*\*") as refused:
        bench.repository().resolve("1")

    assert "s3cr3t" not in f"{refused.value} {refused.value.raw}"


def test_plain_text_is_refused_for_a_token_service() -> None:
    bench = Bench(credential=Credential("ann", "pw"))
    bench.transport.trouble("HEAD", Response(401, {"www-authenticate": 'Bearer realm="http://auth.example/token"'}))

    with pytest.raises(PlainTextLogin):
        bench.repository().resolve("1")
