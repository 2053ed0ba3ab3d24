"""Transfers of a Docker host that last longer than the login it was lent: they go on with the next one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from lading.errors import AccessDenied
from lading.wire.authorize import Credential
from lading.wire.progress import Noted
from tests.unit.docker_client.played_host import ACCESS, DIGEST, PULLED, PUSHED, Attempt, PlayedHost, layer, line

REFUSED = line(
    errorDetail={"message": "unauthorized: authentication required"}, error="unauthorized: authentication required"
)


class Minted:
    """Logins of a provider: the one of the moment."""

    def __init__(self) -> None:
        self.number = 1

    def end(self) -> None:
        self.number += 1

    def credential(self) -> Credential:
        return Credential("AWS", f"minted-{self.number}", renewal=self.credential)


def host(minted: Minted, *attempts: Attempt) -> PlayedHost:
    return PlayedHost(list(attempts), access=replace(ACCESS, credential=minted.credential()))


def lent(played: PlayedHost) -> list[str]:
    return [json.loads(base64.urlsafe_b64decode(each))["password"] for each in played.lent]


def test_a_push_goes_on_with_the_login_of_the_moment() -> None:
    minted = Minted()
    played = host(minted, Attempt(layer("a", "Pushed") + REFUSED, meanwhile=minted.end))
    played.attempts.append(Attempt(PUSHED, meanwhile=played.arrive))

    arrived = played.push()

    assert (arrived.error, arrived.digest) == (None, DIGEST)
    assert lent(played) == ["minted-1", "minted-2"]
    assert any(isinstance(event, Noted) and "the login ended on the way" in event.text for event in played.events)


def test_a_pull_does_too() -> None:
    minted = Minted()
    played = host(minted, Attempt(REFUSED, meanwhile=minted.end))
    played.attempts.append(Attempt(PULLED, meanwhile=played.bring))

    assert played.pull().digest == DIGEST
    assert lent(played) == ["minted-1", "minted-2"]


def test_a_push_that_breaks_off_is_begun_again_with_the_login_of_the_moment() -> None:
    minted = Minted()
    played = host(minted, Attempt(b"", meanwhile=minted.end))
    played.attempts.append(Attempt(PUSHED, meanwhile=played.arrive))

    assert played.push().digest == DIGEST
    assert lent(played) == ["minted-1", "minted-2"]


def test_a_login_that_is_refused_and_has_not_ended_is_refused() -> None:
    played = host(Minted(), Attempt(REFUSED))

    assert isinstance(played.push().error, AccessDenied)
    with pytest.raises(AccessDenied):
        host(Minted(), Attempt(REFUSED)).pull()
    assert played.transfers == 1


def test_a_registry_that_refuses_every_login_is_not_asked_for_ever() -> None:
    minted = Minted()
    played = host(minted, *[Attempt(REFUSED, meanwhile=minted.end) for _ in range(50)])

    assert isinstance(played.push().error, AccessDenied)
    assert played.transfers < 5
