"""Logins that end, shrink or come in another dialect, over real sockets (push-pull-engines §2.3 and §6.3, 401 rows)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lading.errors import LadingError, Side
from lading.fronts.cli.failures import exit_code, lines
from lading.wire.authorize import Credential
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.fakes.token_server import TokenService
from tests.fakes.troubled_registry import TroubledRegistry
from tests.faults.transfers import LAYER, NAME, TAG, World, clear, folder_store, image, stocked, world

SECRET = "hunter2-hunter2"
ME = Credential("me", SECRET, source="the test")


@contextmanager
def guarded(tokens: TokenService, credential: Credential | None = ME) -> Iterator[tuple[TroubledRegistry, World]]:
    """A registry behind its token service."""
    with ScriptedServer(tokens) as service:
        tokens.url = service.url("/token")
        registry = TroubledRegistry(tokens.guard)
        with world(registry, credential=credential) as here:
            yield registry, here


def service(**habits: object) -> TokenService:
    """One that knows us."""
    return TokenService(login=("me", SECRET), **habits)  # type: ignore[arg-type]  # names of TokenService's fields


WORKS = {
    "as specified": service(),
    "access_token alone": service(key="access_token"),
    "no expires_in": service(expires_in=None),
    "a life of one second": service(expires_in=1),
    "GET answers 405, POST works": service(get=405),
    "GET answers 404, POST works": service(get=404),
    "GET answers 400, POST works": service(get=400),
    "every token serves four requests": service(uses=4),
    "every token serves two requests": service(uses=2),
}


@pytest.mark.parametrize("tokens", WORKS.values(), ids=WORKS)
def test_a_push_and_a_pull_log_in(tokens: TokenService, tmp_path: Path) -> None:
    source, root = image()
    with guarded(tokens) as (registry, here), folder_store(tmp_path / "content") as store:
        arrival = here.push(source, root)
        assert arrival.error is None
        assert registry.tags(NAME) == {TAG: root.digest}
        assert here.pull(store).error is None


@pytest.mark.parametrize("post", [None, 400, 401, 404, 405])
def test_an_identity_token_is_posted_or_else_sent_as_basic(post: int | None, tmp_path: Path) -> None:
    tokens = TokenService(identity="idt", post=post)
    if post is not None:
        tokens.login = ("<token>", "idt")
    credential = Credential(identity_token="idt", source="the test")
    with guarded(tokens, credential) as (registry, here), folder_store(tmp_path / "content") as store:
        stocked(registry)
        assert here.pull(store).error is None
    assert [dance["method"] for dance in tokens.dances][:2] == (["POST"] if post is None else ["POST", "GET"])


@pytest.mark.parametrize("door", ["start", "patch", "put", "point"])
def test_a_login_that_ends_at_any_step_is_renewed_and_no_body_sent_twice(door: str) -> None:
    tokens = service()
    source, root = image()
    with guarded(tokens) as (registry, here):
        here.knows(chunk_limit=40_000)

        def ended(asked: object, play: object) -> Reply:
            tokens.expire()
            refusal = tokens.guard(here.server.asked[-1])
            assert refusal is not None
            return refusal

        registry.trouble(door, ended)
        assert here.push(source, root).error is None
        received = here.server.received

    assert registry.tags(NAME) == {TAG: root.digest}
    assert len(tokens.granted) == 2
    assert received <= sum(len(content) for content in source.blobs.values()) + 2 * root.size


def test_a_401_in_mid_body_goes_on_at_the_offset() -> None:
    tokens = service()
    source, root = image()
    half = len(LAYER) // 2
    with guarded(tokens) as (registry, here):

        def ended(asked: object, play: object) -> Reply:
            request = here.server.asked[-1]
            request.receive(half)
            request.stop()
            session = next(iter(registry.registry.repositories[NAME].uploads.values()))
            session += request.body
            tokens.expire()
            refusal = tokens.guard(request)
            assert refusal is not None
            return refusal

        registry.trouble("put", ended)
        assert here.push(source, root).error is None
        received = here.server.received
        puts = [asked.headers.get("content-range") for asked in here.server.asked if asked.method == "PUT"]

    assert f"{half}-{len(LAYER) - 1}" in puts
    assert received <= sum(len(content) for content in source.blobs.values()) + 2 * root.size


def test_a_mount_source_that_is_refused_costs_only_the_mount() -> None:
    tokens = service(refused=frozenset({"team/base:pull"}))
    source, root = image()
    with guarded(tokens) as (registry, here):
        repository = here.repository(writes=True)
        repository.expect([here.sibling("team/base")])
        assert here.copied(source, root, repository).error is None
    assert registry.tags(NAME) == {TAG: root.digest}


def test_scopes_that_shrink_in_silence_end_with_one_clear_error() -> None:
    tokens = service(withheld=frozenset({f"{NAME}:push"}))
    source, root = image()
    with guarded(tokens) as (registry, here):
        error = here.push(source, root).error

    assert error is not None
    assert clear(error)
    assert (error.side, exit_code(error)) == (Side.CALLER, 4)
    assert registry.tags(NAME) == {}
    assert len(tokens.dances) <= 4


ENDS = {
    "a wrong password": (Credential("me", "wrong-" + SECRET, source="the test"), service()),
    "no login": (None, service()),
    "the service is broken": (ME, service(get=500, post=500)),
    "the service says nothing of use": (ME, service(key="nothing")),
}


@pytest.mark.parametrize(("credential", "tokens"), ENDS.values(), ids=ENDS)
def test_a_login_that_fails_is_one_clear_error_without_its_secret(
    credential: Credential | None, tokens: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    source, root = image()
    with guarded(tokens, credential) as (registry, here):
        error = here.push(source, root).error
        events = repr(here.events) + repr(here.held)
        urls = [asked.target for asked in here.server.asked]

    assert isinstance(error, LadingError)
    assert clear(error)
    told = f"{error!r} {lines(error, verbose=True)} {events} {urls} {caplog.text}"
    assert SECRET not in told
    assert registry.tags(NAME) == {}


def test_a_401_without_a_challenge_is_asked_at_the_root(tmp_path: Path) -> None:
    tokens = service()
    with guarded(tokens) as (registry, here), folder_store(tmp_path / "content") as store:
        stocked(registry)
        tokens.bare = True
        assert here.pull(store).error is None
        assert any(asked.path == "/v2/" for asked in here.server.asked)


def test_a_401_that_never_ends_asks_a_bounded_number_of_times() -> None:
    tokens = service(uses=0)
    source, root = image()
    with guarded(tokens) as (_registry, here):
        error = here.push(source, root).error
        asked = len(here.server.asked)

    assert error is not None
    assert (error.side, exit_code(error)) == (Side.CALLER, 4)
    assert asked + len(tokens.dances) < 20


def test_basic_logins_are_sent_and_a_wrong_one_is_named() -> None:
    source, root = image()
    registry = TroubledRegistry(
        lambda asked: (
            None
            if asked.headers.get("authorization", "").startswith("Basic bWU6aHVudGVyMi")
            else Reply(401, [("WWW-Authenticate", 'Basic realm="r"')], read=0 if asked.length else None)
        )
    )
    with world(registry, credential=ME) as here:
        assert here.push(source, root).error is None
    with world(registry, credential=Credential("you", "nope", source="~/.docker/config.json")) as here:
        error = here.push(source, root, tag="v2").error
    assert error is not None
    assert "~/.docker/config.json" in str(error)
    assert "v2" not in registry.tags(NAME)
