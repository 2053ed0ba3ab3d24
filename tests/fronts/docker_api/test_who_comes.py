"""Who comes to the Docker door: what decides where a request shows several things, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import LadingError
from lading.fronts.docker_api.doorkeeper import AuthorizationNeeded, Doorkeeper
from lading.fronts.docker_api.refusals import told
from lading.fronts.http.exchange import IncomingRequest, Peer
from lading.fronts.http.forwarding import Forwarding
from lading.services.access import LADING, Actor, NotLoggedIn
from lading.services.identity.authentication import CertificateRefused, LoginFailed
from lading.services.identity.client_certificates import ClientCertificates, Issued
from lading.services.identity.local_users import LocalUsers, SwitchedOff
from lading.services.identity.tokens import TokenForm
from lading.services.identity.users import UserEdit
from tests.fakes.people import PASSWORD, People, people
from tests.fakes.places import NEVER
from tests.fronts.registry_api.asking import GivenBody

LOCAL = Peer.local(1000, 4711)
LOOPBACK = Peer("127.0.0.1", 50000)
CERTIFIED = Peer("192.0.2.9", 50000, certificate=b"shown")


class OneCertificate:
    """Fulfils Authority."""

    certificate = "authority"

    def client(self, name: str, expires: float) -> Issued:
        return Issued(name, "key", b"shown")


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        found.user("ann", "admin")
        found.user("bob", "publisher")
        yield found


def doorkeeper(all_: People, *, open_: bool = False, proxies: tuple[str, ...] = ()) -> Doorkeeper:
    local = LocalUsers(all_.database.users, all_.trail, "operator", lambda _: None, all_.clock)
    return Doorkeeper(all_.authentication, local, Forwarding.parse(proxies), lambda: os.urandom(4).hex(), open_)


def request(peer: Peer, **headers: str) -> IncomingRequest:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return IncomingRequest("GET", "/images/json", "", shown, GivenBody(b"", length=0), peer, NEVER)


def certificate(all_: People) -> int:
    """One of bob's. Returns its row's id."""
    user = all_.database.users.user_named("bob")
    assert user is not None
    return (
        ClientCertificates(all_.tokens, OneCertificate(), all_.clock).add(LADING, TokenForm("c", user=user.id)).row.id
    )


def bearer(all_: People, name: str) -> str:
    user = all_.database.users.user_named(name)
    assert user is not None
    return f"Bearer {all_.tokens.add(LADING, TokenForm('t', user=user.id)).secret}"


def test_a_unix_socket_brings_the_user_of_the_process(all_: People) -> None:
    actor = doorkeeper(all_)(request(LOCAL))

    assert (actor.name, actor.address) == ("uid-1000", "uid 1000")


def test_a_certificate_brings_the_user_it_was_made_for(all_: People) -> None:
    row = certificate(all_)

    actor = doorkeeper(all_)(request(CERTIFIED))

    assert (actor.name, actor.token, actor.address) == ("bob", row, "192.0.2.9")


@pytest.mark.parametrize("peer", [LOCAL, LOOPBACK, CERTIFIED])
def test_an_authorization_header_decides_on_every_listener(all_: People, peer: Peer) -> None:
    certificate(all_)

    assert doorkeeper(all_)(request(peer, authorization=bearer(all_, "ann"))).name == "ann"


@pytest.mark.parametrize("peer", [LOCAL, LOOPBACK, CERTIFIED])
def test_a_wrong_header_is_refused_whatever_else_is_shown(all_: People, peer: Peer) -> None:
    certificate(all_)

    for wrong in ("Bearer lad_wrong", "Basic YW5uOndyb25n", "", "Digest x"):
        with pytest.raises(LoginFailed):
            doorkeeper(all_)(request(peer, authorization=wrong))


def test_a_revoked_certificate_opens_nothing_even_with_a_header(all_: People) -> None:
    all_.tokens.remove(LADING, certificate(all_))

    with pytest.raises(CertificateRefused):
        doorkeeper(all_)(request(CERTIFIED, authorization=bearer(all_, "ann")))


def test_loopback_says_nothing_of_who_comes(all_: People) -> None:
    with pytest.raises(AuthorizationNeeded):
        doorkeeper(all_)(request(LOOPBACK))
    with pytest.raises(AuthorizationNeeded):
        doorkeeper(all_)(request(LOOPBACK, cookie=f"session={PASSWORD}"))


def test_a_proxys_word_counts_where_it_is_trusted(all_: People) -> None:
    shown = {"authorization": bearer(all_, "bob"), "x_forwarded_for": "198.51.100.3"}

    trusting = doorkeeper(all_, proxies=("127.0.0.1",))
    assert trusting(request(LOOPBACK, **shown)).address == "198.51.100.3"
    assert doorkeeper(all_)(request(LOOPBACK, **shown)).address == "127.0.0.1"
    assert trusting(request(LOCAL, **shown)).address == "uid 1000"


def test_an_open_door_asks_nobody(all_: People) -> None:
    for peer in (LOCAL, LOOPBACK):
        actor = doorkeeper(all_, open_=True)(request(peer, authorization="Bearer lad_wrong"))
        assert (actor.name, actor.address) == ("anonymous", peer.address)


def test_each_is_counted_once_known(all_: People) -> None:
    counted: list[tuple[str, bool]] = []

    def let_in(address: str, known: bool) -> None:
        counted.append((address, known))

    doorkeeper(all_)(replace(request(LOCAL), let_in=let_in))

    assert counted == [("uid 1000", True)]


def test_each_refusal_has_its_status(all_: People) -> None:
    keeper = doorkeeper(all_)
    user = keeper(request(LOCAL)).user
    assert user is not None
    all_.users.change(LADING, user, UserEdit(active=False))

    assert _status(keeper, request(LOCAL), SwitchedOff) == 403
    assert _status(keeper, request(LOOPBACK), NotLoggedIn) == 401
    assert _status(keeper, request(CERTIFIED), CertificateRefused) == 401
    assert _status(keeper, request(LOCAL, authorization="Bearer lad_wrong"), LoginFailed) == 401


def _status(keeper: Doorkeeper, asked: IncomingRequest, expected: type[LadingError]) -> int:
    actor: Actor | None = None
    try:
        actor = keeper(asked)
    except expected as error:
        return told(error).status
    raise AssertionError(f"{actor} was let in")
