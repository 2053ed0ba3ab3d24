"""A Docker host as it may also answer: other versions, other stores, and what is no Docker at all."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.faults import (
    AnswerUnreadable,
    DaemonTooOld,
    DaemonUnreachable,
    NotDocker,
    PushUnverified,
)
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.pushing import Prove
from lading.engine.cancel import Cancellation
from lading.engine.stores import TagMoved, TagUnproven
from lading.errors import AccessDenied, LadingError, TlsRefused
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environments.orders import Access, Arrived, PruneOrder, PushOrder
from lading.services.platforms import PlatformMissing, Wanted
from lading.wire.docker_lines import LinesBroken
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, ConnectFailed, PlainHttpAnswered, Request, Response
from lading.wire.progress import Event
from tests.fakes.transport import PlayedTransport

CANCEL = Cancellation()
NAME = "docker.io/library/app:1"
IMAGE = "sha256:" + "1" * 64
DIGEST = Digest.of(b"manifest")
TARGET = Reference.parse("registry.invalid/team/app:1")
ACCESS = Access("r", Endpoint("registry.invalid"))


class PlayedDaemon:
    """One image, called app:1; `said` is what a push answers."""

    def __init__(self, version: str | None = "1.41", said: list[dict[str, object]] | None = None) -> None:
        self.version, self.names = version, [NAME]
        aux: dict[str, object] = {"aux": {"Tag": "1", "Digest": str(DIGEST), "Size": 8}}
        self.said: list[dict[str, object]] = [aux] if said is None else said

    def __call__(self, request: Request, _body: bytes, _whole: bool) -> Response:
        path = urlsplit(request.url).path
        if path == "/_ping":
            return Response(200, {} if self.version is None else {"api-version": self.version}, b"OK")
        verb = path.rpartition("/")[2]
        if verb == "push":
            return Response(200, {}, "".join(json.dumps(line) + "\r\n" for line in self.said).encode())
        if verb == "tag":
            self.names.append(str(TARGET))
            return Response(201)
        if request.method == "DELETE" and str(TARGET) in self.names:
            self.names.remove(str(TARGET))
            return Response(200, {}, b"[]")
        if verb == "json" and (IMAGE in path or any(name in path for name in self.names)):
            image = {"Id": IMAGE, "RepoTags": self.names, "Os": "linux", "Architecture": "amd64"}
            return Response(200, {}, json.dumps(image).encode())
        return Response(404, {}, b'{"message":"No such image"}')


def proves(digest: Digest | None) -> Prove:
    def prove(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        return digest

    return prove


CONFIRMED = proves(DIGEST)


def environment(transport: PlayedTransport, prove: Prove = CONFIRMED) -> DockerEnvironment:
    return DockerEnvironment(transport, "http://docker", "dock", prove, Names())


def push(daemon: PlayedDaemon, prove: Prove = CONFIRMED, **fields: object) -> Arrived:
    order = PushOrder("app:1", (TARGET,), ACCESS, **fields)  # type: ignore[arg-type]
    return environment(PlayedTransport(daemon), prove).push(order, told, CANCEL)[0]


def told(_event: Event) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(("said", "spoken"), [("1.41", "1.41"), ("1.24", "1.24"), (None, "1.24"), ("1.99", "1.51")])
def test_the_version_that_both_know_is_spoken(said: str | None, spoken: str) -> None:
    transport = PlayedTransport(PlayedDaemon(said))
    environment(transport).image("sha256:" + "1" * 64, CANCEL)
    assert [line.partition("?")[0] for line in transport.lines] == ["GET /_ping", f"GET /v{spoken}/images/{IMAGE}/json"]


def test_a_refused_version_is_asked_for_again() -> None:
    daemon = PlayedDaemon("1.47")
    transport = PlayedTransport(daemon)
    docker = environment(transport)
    docker.image(IMAGE, CANCEL)
    transport.trouble("GET", Response(400, {}, b'{"message":"client version 1.47 is too new."}'))
    with pytest.raises(LadingError, match="too new"):
        docker.image(IMAGE, CANCEL)
    daemon.version = "1.40"
    docker.image(IMAGE, CANCEL)
    assert transport.lines[-1] == f"GET /v1.40/images/{IMAGE}/json"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(200, {}, b"<html>hello</html>"), NotDocker),
        (Response(404, {}, b"no"), NotDocker),
        (Response(200, {"api-version": "1.12"}, b"OK"), DaemonTooOld),
        (Response(200, {"api-version": "secret"}, b"OK"), AnswerUnreadable),
        (ConnectFailed("dock", "connection refused"), DaemonUnreachable),
        (PlainHttpAnswered("dock"), DaemonUnreachable),
    ],
)
def test_what_is_no_docker_host_is_said_so(answer: Response | LadingError, kind: type[LadingError]) -> None:
    transport = PlayedTransport(PlayedDaemon())
    transport.trouble("GET", answer)
    with pytest.raises(kind) as caught:
        environment(transport).ping(CANCEL)
    assert not isinstance(caught.value, TlsRefused)
    assert "hello" not in str(caught.value) + (caught.value.why or "")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"{}"])
def test_an_answer_that_makes_no_sense_is_an_error(body: bytes) -> None:
    transport = PlayedTransport(lambda request, _body, _whole: Response(200, {"api-version": "1.41"}, body))
    with pytest.raises(AnswerUnreadable):
        environment(transport).image(IMAGE, CANCEL)


def test_a_push_is_complete_when_the_registry_says_so() -> None:
    daemon = PlayedDaemon()
    arrived = push(daemon)
    assert (arrived.error, arrived.digest, arrived.size) == (None, DIGEST, 8)
    assert str(TARGET) in daemon.names


@pytest.mark.parametrize("found", [None, Digest.of(b"another")])
def test_a_push_that_the_registry_denies_is_not_complete(found: Digest | None) -> None:
    daemon = PlayedDaemon()
    assert isinstance(push(daemon, proves(found)).error, TagUnproven)
    assert daemon.names == [NAME]


def test_a_stream_that_ends_without_a_digest_proves_nothing() -> None:
    pushed: dict[str, object] = {"status": "Pushed", "progressDetail": {}, "id": "1b42def97497"}
    for said in ([], [pushed]):
        assert isinstance(push(PlayedDaemon(said=said)).error, PushUnverified)


def test_a_registry_that_cannot_be_asked_leaves_a_push_unverified() -> None:
    def unreachable(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        raise ConnectFailed("registry.invalid", "connection refused")

    daemon = PlayedDaemon()
    arrived = push(daemon, unreachable)
    assert isinstance(arrived.error, PushUnverified)
    assert "connection refused" in (arrived.error.why or "")
    assert str(TARGET) in daemon.names


def test_a_failed_push_takes_its_name_back() -> None:
    daemon = PlayedDaemon(said=[{"errorDetail": {"message": "no basic auth credentials"}}])
    assert isinstance(push(daemon).error, AccessDenied)
    assert daemon.names == [NAME]


def test_an_unreachable_daemon_is_raised() -> None:
    transport = PlayedTransport(PlayedDaemon())
    transport.trouble("POST", ConnectFailed("dock", "connection refused"))
    with pytest.raises(DaemonUnreachable):
        environment(transport).push(PushOrder("app:1", (TARGET,), ACCESS), told, CANCEL)


def test_a_stream_that_is_no_json_is_an_error_of_that_target() -> None:
    def answer(request: Request, body: bytes, whole: bool) -> Response:
        response = daemon(request, body, whole)
        return Response(200, {}, b"<html>\n") if "/push" in request.url else response

    daemon = PlayedDaemon()
    order = PushOrder("app:1", (TARGET,), ACCESS)
    (arrived,) = environment(PlayedTransport(answer)).push(order, told, CANCEL)
    assert isinstance(arrived.error, LinesBroken)
    assert daemon.names == [NAME]


def test_a_condition_is_looked_at_before_anything_is_done() -> None:
    daemon = PlayedDaemon()
    assert isinstance(push(daemon, proves(Digest.of(b"x")), condition="absent").error, TagMoved)
    assert daemon.names == [NAME]


@pytest.mark.parametrize(("version", "sent"), [("1.45", False), ("1.46", True)])
def test_a_platform_is_named_where_the_daemon_knows_of_it(version: str, sent: bool) -> None:
    transport = PlayedTransport(PlayedDaemon(version))
    wanted = Wanted(platforms=(Platform("linux", "amd64"),))
    environment(transport).push(PushOrder("app:1", (TARGET,), ACCESS, wanted), told, CANCEL)
    assert any("platform=" in line for line in transport.lines) is sent


def test_an_older_daemons_image_must_be_of_that_platform() -> None:
    with pytest.raises(PlatformMissing):
        push(PlayedDaemon(), wanted=Wanted(platforms=(Platform("linux", "arm64"),)))


def test_cleaning_up_needs_125() -> None:
    with pytest.raises(DaemonTooOld):
        environment(PlayedTransport(PlayedDaemon("1.24"))).prune(PruneOrder(), CANCEL)


def test_a_name_leads_nowhere_else() -> None:
    for name in ("../containers/json", "app/../../x", "app?x=1", "app:1#x", "http://x/y"):
        transport = PlayedTransport(PlayedDaemon())
        with pytest.raises(LadingError):
            environment(transport).image(name, CANCEL)
        assert transport.lines == []
