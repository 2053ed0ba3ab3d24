"""Logins that come along with one transfer: found by its job, written nowhere, and gone with whoever waited."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from lading.services.environments import door_logins
from lading.services.environments.door_logins import LoginGone, LoginVault, under
from lading.services.environments.orders import Access
from lading.services.jobs.fields import JobFields
from lading.services.running.ending import ending_of
from lading.wire.authorize import Credential
from lading.wire.docker_auth import GivenLogin
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.event_json import JsonObject
from lading.wire.progress import Event

ANN = GivenLogin(Credential("ann", "secret"))
NOBODY = GivenLogin()
OWNER = 7
ACCESS = Access("up", Endpoint("registry.example", Tls.HTTP), Credential("row", "other"), 3)


class Heard:
    """Fulfils Telling."""

    taken_up = False

    def __init__(self) -> None:
        self.lines: list[Mapping[str, object]] = []

    def line(self, data: Mapping[str, object]) -> None:
        self.lines.append(data)

    def event(self, event: Event) -> None:
        """No transfer runs here."""


def vault() -> LoginVault:
    numbers = itertools.count()
    return LoginVault(lambda count: next(numbers).to_bytes(count))


def used(logins: LoginVault, fields: Mapping[str, object], owner: int | None = OWNER) -> Credential | None:
    return logins.access(ACCESS, JobFields(fields), Heard(), owner).credential


def came(logins: LoginVault) -> Mapping[str, object]:
    with logins.kept(ANN, OWNER) as fields:
        return fields


def test_a_job_finds_the_login_that_came_for_it() -> None:
    logins = vault()
    with logins.kept(ANN, OWNER) as ann, logins.kept(NOBODY, OWNER) as nobody, logins.kept(None, OWNER) as configured:
        assert used(logins, ann) == ANN.credential
        assert used(logins, nobody) is None
        assert used(logins, configured) == ACCESS.credential
        assert "secret" not in str(ann)


@pytest.mark.parametrize("other", [8, None])
def test_nobody_else_uses_it(other: int | None) -> None:
    logins = vault()
    with logins.kept(ANN, OWNER) as fields, pytest.raises(LoginGone):
        used(logins, fields, other)


def test_the_way_to_the_registry_stays_that_of_its_row() -> None:
    other = under(ACCESS, ANN.credential)

    assert (other.endpoint, other.credential, other.registry) == (ACCESS.endpoint, ANN.credential, None)


def test_a_login_is_gone_once_nobody_waits() -> None:
    logins = vault()
    with logins.kept(ANN, OWNER) as fields:
        pass
    logins.drop(fields)
    logins.drop(fields)

    with pytest.raises(LoginGone) as gone:
        used(logins, fields)
    assert ending_of(gone.value).state == "interrupted"


def test_a_login_is_gone_where_no_job_was_made() -> None:
    logins = vault()
    kept: JsonObject = {}

    def fail() -> None:
        with logins.kept(ANN, OWNER) as fields:
            kept.update(fields)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with pytest.raises(LoginGone):
        used(logins, kept)


def test_nobodys_login_is_known_to_every_process() -> None:
    with vault().kept(NOBODY, OWNER) as fields:
        assert used(vault(), fields) is None


def test_the_oldest_goes_where_there_are_too_many() -> None:
    logins = vault()
    first, *_, last = [came(logins) for _ in range(door_logins.MOST_KEPT + 1)]

    assert used(logins, last) == ANN.credential
    with pytest.raises(LoginGone):
        used(logins, first)


def test_what_could_not_be_read_is_told_by_the_job() -> None:
    logins, heard = vault(), Heard()
    with logins.kept(GivenLogin(None, "it cannot be read"), OWNER) as fields:
        logins.access(ACCESS, JobFields(fields), heard, OWNER)

    assert heard.lines == [{"status": "note", "message": "it cannot be read"}]


def test_equal_logins_are_alike_and_no_others() -> None:
    logins = vault()
    others = [
        NOBODY,
        GivenLogin(Credential("ann", "other")),
        GivenLogin(Credential("bob", "secret")),
        GivenLogin(Credential(identity_token="secret")),
        GivenLogin(Credential(registry_token="secret")),
        None,
    ]

    alike = logins.likeness(ANN)
    assert alike == logins.likeness(GivenLogin(Credential("ann", "secret", source="elsewhere")))
    assert len({alike, *map(logins.likeness, others)}) == len(others) + 1
    assert "secret" not in str(alike)
    assert alike != LoginVault(lambda count: b"x" * count).likeness(ANN)
