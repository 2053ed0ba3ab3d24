"""Tokens: fetched once, shared, renewed in time, and never at the cost of a body."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.engine.stores import Outcome
from lading.oci.reference import Repository
from lading.wire.authorize import Credential, basic
from lading.wire.endpoint import Profile
from lading.wire.locations import LocationBroken
from lading.wire.message import BytesContent, ConnectFailed, Request, Response
from lading.wire.registry_errors import LoginNeeded, LoginRefused
from tests.fakes.registry_client import HOST, Bench, layer
from tests.fakes.token_registry import REALM, TokenRegistry

CONTENT = bytes(range(200))
LAYER = layer(CONTENT)
ANN = Credential("ann", "pw", source="a test")


def bench_of(registry: TokenRegistry, credential: Credential | None = ANN) -> Bench:
    bench = Bench(answer=registry, credential=credential)
    registry.clock = bench.clock
    return bench


def scopes_asked(bench: Bench) -> list[str]:
    return [
        asked.line.partition("&scope=")[2].partition("&account")[0]
        for asked in bench.transport.asked
        if "token" in asked.line
    ]


def test_a_first_401_leads_to_a_token_and_is_never_met_again() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    repository = bench.repository()

    repository.has(LAYER)
    repository.has(LAYER)

    assert bench.transport.methods == "HEAD GET HEAD HEAD"
    assert [asked.status for asked in bench.transport.asked] == [401, 200, 404, 404]
    assert bench.profiles.of(HOST).realm == REALM


def test_a_known_realm_spares_the_first_401() -> None:
    bench = bench_of(TokenRegistry({"ann": "pw"}))
    bench.profiles.learn(HOST, Profile(realm=REALM, service=HOST))

    bench.repository().has(LAYER)

    assert [asked.status for asked in bench.transport.asked] == [200, 404]


def test_a_known_realm_that_is_gone_is_forgotten() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    bench.profiles.learn(HOST, Profile(realm="https://old.example/token"))
    bench.transport.trouble("GET", ConnectFailed("old.example", "gone"))

    assert not bench.repository().has(LAYER)
    assert bench.profiles.of(HOST).realm == REALM


def test_one_token_serves_a_whole_push() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    repository = bench.repository(writes=True)
    origins = [Repository(HOST, "base"), Repository("other.example", "x")]
    repository.expect(origins)

    repository.has(LAYER)
    repository.mount(LAYER, BytesContent(CONTENT), origins, bench.track, bench.cancel)

    assert registry.tokens == 1
    assert scopes_asked(bench) == ["repository:a:push,pull&scope=repository:base:pull"]


def test_a_reader_becomes_a_writer_for_one_token_more() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    repository = bench.repository()
    repository.has(LAYER)

    repository.push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)
    repository.has(LAYER)

    assert registry.tokens == 2


def test_origins_that_may_not_be_read_are_left_out_for_good() -> None:
    registry = TokenRegistry({"ann": "pw"})
    registry.private = {"secret"}
    bench = bench_of(registry)
    repository = bench.repository(writes=True)
    origins = [Repository(HOST, "secret")]
    repository.expect(origins)
    repository.has(LAYER)

    outcome = repository.mount(LAYER, BytesContent(CONTENT), origins, bench.track, bench.cancel)

    assert outcome is Outcome.SENT
    assert not any("from=secret" in line for line in bench.transport.lines)
    assert registry.tokens == 1


def test_a_token_is_renewed_before_it_ends() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    repository = bench.repository()
    repository.has(LAYER)
    bench.clock.now += 295

    repository.has(LAYER)

    assert registry.tokens == 2
    assert [asked.status for asked in bench.transport.asked].count(401) == 1


def test_a_body_wants_a_token_that_lasts_longer() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    repository = bench.repository(writes=True)
    repository.has(LAYER)
    bench.clock.now += 250

    repository.push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)

    assert registry.tokens == 2
    assert bench.transport.asked[-2].line.startswith("GET /token")  # between the POST and the PUT


def test_short_tokens_are_used_for_half_their_life() -> None:
    registry = TokenRegistry({"ann": "pw"})
    registry.lifetime = 60
    bench = bench_of(registry)
    repository = bench.repository(writes=True)

    for _ in range(5):
        repository.push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)

    assert registry.tokens == 1


def test_a_token_that_ends_in_mid_body_does_not_cost_the_body() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    bench.transport.trouble("PUT", Response(401, {"www-authenticate": f'Bearer realm="{REALM}",service="{HOST}"'}))

    outcome = bench.repository(writes=True).push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)

    assert outcome is Outcome.SENT
    assert registry.registry.received == len(CONTENT)
    assert registry.tokens == 2
    assert bench.clock.waited == []


def test_a_registry_that_refuses_every_body_is_left_in_the_end() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    bench.transport.trouble("PUT", *[Response(401, {"www-authenticate": f'Bearer realm="{REALM}"'})] * 9)

    with pytest.raises(LoginRefused):
        bench.repository(writes=True).push(LAYER, BytesContent(CONTENT), bench.track, bench.cancel)


def test_a_revoked_token_is_replaced_once() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    repository = bench.repository()
    repository.has(LAYER)
    bench.transport.trouble("HEAD", Response(401, {"www-authenticate": f'Bearer realm="{REALM}",service="{HOST}"'}))

    assert not repository.has(LAYER)
    assert registry.tokens == 2


def test_a_challenge_at_the_root_is_looked_for_where_the_answer_has_none() -> None:
    registry = TokenRegistry({"ann": "pw"})
    registry.silent = True
    bench = bench_of(registry)

    assert not bench.repository().has(LAYER)
    assert bench.transport.lines[1] == "GET /v2/"


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "http://[bad", "https://h:99999/", "javascript:1", "http://"])
def test_a_challenge_that_names_nobody_who_could_be_asked_is_the_registrys_fault(realm: str) -> None:
    challenge = {"www-authenticate": f'Bearer realm="{realm}"'}
    bench = Bench(answer=lambda _request, _body, _whole: Response(401, challenge))

    with pytest.raises(LocationBroken, match=HOST):
        bench.repository().has(LAYER)

    assert bench.profiles.of(HOST).realm is None


def test_what_a_challenge_asks_for_besides_goes_into_the_next_token() -> None:
    def metadata(request: Request, body: bytes, whole: bool) -> Response:
        response = registry(request, body, whole)
        if "tags/list" in request.url and registry.tokens < 2:
            challenge = f'Bearer realm="{REALM}",service="s",scope="repository:a:metadata_read"'
            return Response(401, {"www-authenticate": challenge})
        return response

    registry = TokenRegistry({"ann": "pw"})
    bench = Bench(answer=metadata, credential=ANN)
    registry.clock = bench.clock
    repository = bench.repository()
    repository.has(LAYER)

    assert list(repository.tags()) == []
    assert scopes_asked(bench)[-1] == "repository:a:pull&scope=repository:a:metadata_read"


@pytest.mark.parametrize(("credential", "error"), [(None, LoginNeeded), (Credential("ann", "wrong"), LoginRefused)])
def test_a_refused_login_says_whose(credential: Credential | None, error: type[Exception]) -> None:
    registry = TokenRegistry({"ann": "pw"})
    registry.anonymous = False
    bench = bench_of(registry, credential)

    with pytest.raises(error):
        bench.repository().resolve("1")


def test_many_threads_share_one_token() -> None:
    registry = TokenRegistry({"ann": "pw"})
    bench = bench_of(registry)
    bench.profiles.learn(HOST, Profile(realm=REALM, service=HOST))
    repository, together = bench.repository(), threading.Barrier(8)

    def ask(_number: int) -> bool:
        together.wait(60)
        return repository.has(LAYER)

    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(ask, range(8)))
    assert registry.tokens == 1


def test_basic_goes_along_after_the_first_401() -> None:
    bench = Bench(credential=ANN)
    bench.transport.trouble("HEAD", Response(401, {"www-authenticate": 'Basic realm="r"'}))
    repository = bench.repository()

    repository.has(LAYER)
    repository.has(LAYER)

    assert [asked.authorization is not None for asked in bench.transport.asked] == [False, True, True]


def test_a_registry_token_needs_no_dance() -> None:
    bench = Bench(credential=Credential(registry_token="r"))

    bench.repository().has(LAYER)

    assert [asked.authorization for asked in bench.transport.asked] == ["Bearer r"]


def test_another_account_gets_another_token() -> None:
    registry = TokenRegistry({"ann": "pw", "bob": "pw"})
    bench = bench_of(registry)
    bench.repository().has(LAYER)
    bench.credential = Credential("bob", "pw")

    bench.repository().has(LAYER)

    assert registry.tokens == 2


def test_no_secret_is_in_any_url() -> None:
    registry = TokenRegistry({"ann": "s3cr3t"})
    bench = bench_of(registry, Credential("ann", "s3cr3t"))

    bench.repository().has(LAYER)

    assert not any("s3cr3t" in line for line in bench.transport.lines)


@pytest.mark.parametrize(("credential", "right"), [(ANN, True), (Credential("ann", "wrong"), False)])
def test_a_login_is_checked_before_it_is_kept(credential: Credential, right: bool) -> None:
    bench = bench_of(TokenRegistry({"ann": "pw"}), None)
    if right:
        bench.client.check(HOST, credential)
    else:
        with pytest.raises(LoginRefused):
            bench.client.check(HOST, credential)


class Renewed:
    """A login that is another at every hour, as its provider mints it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __call__(self) -> Credential:
        return Credential("AWS", f"minted-{int(self.bench.clock() // 3600)}", source="a test", renewal=self)


def test_a_login_that_ended_in_the_middle_is_taken_anew() -> None:
    registry = TokenRegistry({"AWS": "minted-0"})
    bench = bench_of(registry)
    bench.credential = Renewed(bench)()
    repository = bench.repository()
    repository.has(LAYER)
    bench.clock.now += 3600
    registry.users["AWS"] = "minted-1"

    assert not repository.has(LAYER)
    assert registry.tokens == 2


def test_basic_sends_the_login_of_the_moment() -> None:
    bench = Bench()
    bench.credential = Renewed(bench)()
    bench.transport.trouble("HEAD", Response(401, {"www-authenticate": 'Basic realm="r"'}))
    repository = bench.repository()
    repository.has(LAYER)
    bench.clock.now += 3600
    repository.has(LAYER)

    sent = [asked.authorization for asked in bench.transport.asked if asked.authorization]
    assert sent == [basic(Credential("AWS", "minted-0")), basic(Credential("AWS", "minted-1"))]
