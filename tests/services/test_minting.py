from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import LadingError, NetworkFailed
from lading.services.registries.minting import LONGEST, Mint, Minted, ProviderLogin
from lading.services.registries.providers import Provider
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from tests.fakes.records import Clock

HOUR = 3600.0
NOW = 1_800_000_000.0
LOGIN = ProviderLogin(Provider.AMAZON, Endpoint("r.example"), "", "key", "secret")
OTHER = ProviderLogin(Provider.AMAZON, Endpoint("r.example"), "", "key", "another secret")


class Ends(dict[int, float]):
    """Fulfils Validity."""

    def validities(self) -> dict[int, float]:
        return self

    def minted(self, registry: int, expires: float) -> None:
        self[registry] = expires

    def forgotten(self, registry: int) -> None:
        self.pop(registry, None)


class Counted:
    """Mints logins of an hour, numbered; `failing` is raised instead, `held` waited for before."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.count, self.life = clock, 0, HOUR
        self.failing: LadingError | None = None
        self.begun, self.held = threading.Event(), threading.Event()
        self.held.set()

    def mint(self, login: ProviderLogin, cancel: Cancel) -> Minted:
        self.begun.set()
        assert self.held.wait(30)
        if self.failing is not None:
            raise self.failing
        self.count += 1
        return Minted("AWS", f"minted-{self.count}", self.clock() + self.life)


class House:
    def __init__(self) -> None:
        self.clock, self.ends = Clock(NOW), Ends()
        self.provider = Counted(self.clock)
        self.mint = Mint(self.provider, self.ends, self.clock, Cancellation)

    def secret(self, registry: int | None = 1, login: ProviderLogin = LOGIN) -> str:
        return self.mint.credential(registry, login, "the registry r").secret


@pytest.fixture
def house() -> House:
    return House()


def test_a_login_serves_for_half_of_its_life(house: House) -> None:
    first = house.secret()
    house.clock.advance(HOUR / 2 - 1)
    again = house.secret()
    house.clock.advance(2)

    assert (first, again, house.secret()) == ("minted-1", "minted-1", "minted-2")
    assert house.ends == {1: house.clock() + HOUR}


def test_however_many_want_one_it_is_minted_once(house: House) -> None:
    house.provider.held.clear()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(house.secret) for _ in range(8)]
        assert house.provider.begun.wait(30)
        house.provider.held.set()
        told = {each.result() for each in asked}

    assert (told, house.provider.count) == ({"minted-1"}, 1)


def test_one_registrys_flight_holds_up_no_other(house: House) -> None:
    house.secret(2)
    house.provider.begun.clear()
    house.provider.held.clear()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(house.secret, 1)
        assert house.provider.begun.wait(30)

        assert house.secret(2) == "minted-1"
        house.provider.held.set()
        assert slow.result() == "minted-2"


def test_an_early_renewal_that_fails_is_no_failure(house: House) -> None:
    house.secret()
    house.provider.failing = NetworkFailed()
    house.clock.advance(HOUR * 0.6)

    assert house.secret() == "minted-1"
    house.clock.advance(HOUR * 0.4)
    with pytest.raises(NetworkFailed):
        house.secret()
    house.provider.failing = None
    assert house.secret() == "minted-2"


def test_a_clock_that_was_set_back_keeps_no_login_alive(house: House) -> None:
    house.secret()
    house.clock.advance(-30 * HOUR)

    assert house.secret() == "minted-2"


@pytest.mark.parametrize("life", [float("inf"), float("nan"), 1e300, -1e300, 100 * 365 * 24 * HOUR, -HOUR])
def test_an_end_that_no_login_has_is_not_believed(house: House, life: float) -> None:
    house.provider.life = life
    house.secret()
    house.clock.advance(LONGEST)

    assert house.secret() == "minted-2"
    assert all(NOW <= end <= house.clock() + LONGEST for end in house.ends.values())


def test_another_login_is_minted_for_at_once(house: House) -> None:
    assert [house.secret(), house.secret(login=OTHER), house.secret()] == ["minted-1", "minted-2", "minted-3"]


def test_what_is_only_tried_is_not_kept(house: House) -> None:
    assert [house.secret(None), house.secret(None)] == ["minted-1", "minted-2"]
    assert house.ends == {}


def test_a_login_that_nobody_mints_goes_as_it_is(house: House) -> None:
    static = ProviderLogin(Provider.GITHUB, Endpoint("ghcr.io"), "", "ann", "token")

    assert (house.secret(login=static), house.provider.count) == ("token", 0)


def test_secrets_are_in_no_text(house: House) -> None:
    credential = house.mint.credential(1, LOGIN, "the registry r")

    assert "minted-1" not in repr(credential)
    assert "secret" not in repr(LOGIN).replace("secret=", "")


def test_a_login_that_is_held_for_long_is_renewed(house: House) -> None:
    held = house.mint.credential(1, LOGIN, "the registry r")
    before = held.current.secret
    house.clock.advance(HOUR * 0.6)

    assert [before, held.current.secret, held.current.secret] == ["minted-1", "minted-2", "minted-2"]
    assert held.current.current == house.mint.credential(1, LOGIN, "the registry r")


def test_who_holds_a_login_that_was_replaced_keeps_it_and_takes_no_turns(house: House) -> None:
    held = house.mint.credential(1, LOGIN, "the registry r")
    house.secret(login=OTHER)
    house.clock.advance(HOUR * 0.4)

    assert [held.current.secret, house.secret(login=OTHER), held.current.secret] == ["minted-1", "minted-2", "minted-1"]
    house.mint.forget(1)
    assert held.current.secret == "minted-1"
