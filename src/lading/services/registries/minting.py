"""Logins that a provider mints: kept while they last, renewed before they end, asked for once however many want one.

    asked for ── kept, and lasts on ──▶ the same
              └─ else ─ one flight for each registry ─▶ minted, kept, its end written down

`lasts on` is half of its life: a transfer that begins now has that long at least.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Protocol

from lading.errors import LadingError
from lading.services.registries.providers import TENANT, Provider
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel

SHORTEST = 60.0
"""Seconds that a login counts as lasting at least: a provider's odd answer must not have us ask it every time."""

LONGEST = 30 * 24 * 60 * 60.0
"""And at most: no provider gives one for longer, and a moment past all calendars could not be shown."""


@dataclass(frozen=True, slots=True)
class ProviderLogin:
    """What a provider's API is asked with: the way to the registry, the prefix of the repositories it is for, the login
    that is kept, and all of the provider's own fields."""

    provider: Provider
    endpoint: Endpoint
    path: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def minted(self) -> bool:
        """Whether the registry takes not this login but one that its provider mints for it."""
        if not self.secret:
            return False
        if self.provider is Provider.AZURE:
            return TENANT in self.fields
        return self.provider in {Provider.AMAZON, Provider.GOOGLE}


@dataclass(frozen=True, slots=True)
class Minted:
    """A login at the registry, and until when it is good, in seconds since 1970."""

    username: str
    secret: str = field(repr=False)
    expires: float


class Minting(Protocol):
    """Fulfilled by backends.registry_providers."""

    def mint(self, login: ProviderLogin, cancel: Cancel) -> Minted:
        """Raises AccessDenied where the provider does not take the login, RateLimited, NetworkFailed, ProtocolBroken,
        InputInvalid where a field says nothing it could be asked with, Cancelled and TimedOut."""


class Validity(Protocol):
    """Until when the last login is good that was minted for each registry, by any process. Raises StorageFailed."""

    def validities(self) -> Mapping[int, float]:
        """By the registry's id, in seconds since 1970."""

    def minted(self, registry: int, expires: float) -> None:
        """Replaces what was known; nothing where the registry is gone."""

    def forgotten(self, registry: int) -> None:
        """Nothing is known any more; harmless where nothing was."""


class MintedLogins(Protocol):
    """What of minting the registries ask."""

    def credential(self, registry: int | None, login: ProviderLogin, source: str) -> Credential:
        """The login itself where nothing is minted for it. With `registry` None, that of a form, none is kept.

        Raises as Minting.mint, and StorageFailed.
        """

    def validities(self) -> Mapping[int, float]:
        """Until when each registry's is good, in seconds since 1970. Raises StorageFailed."""

    def forget(self, registry: int) -> None:
        """It is gone, or has another login: and so is what was minted for it. Raises StorageFailed."""


@dataclass(slots=True)
class _Seat:
    """One registry's: who holds the lock mints, and the others wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    login: ProviderLogin | None = None
    minted: Minted | None = None
    since: float = 0.0


class Mint:
    """Fulfils MintedLogins, for any number of threads. `clock` gives seconds since 1970; `patience` makes the Cancel of
    one flight."""

    def __init__(
        self,
        minting: Minting,
        validity: Validity,
        clock: Callable[[], float],
        patience: Callable[[], Cancel],
    ) -> None:
        self._minting, self._validity, self._clock, self._patience = minting, validity, clock, patience
        self._lock = threading.Lock()
        self._seats: dict[int, _Seat] = {}

    def credential(self, registry: int | None, login: ProviderLogin, source: str) -> Credential:
        if not login.minted:
            return Credential(login.username, login.secret, source=source)
        if registry is None:
            tried = self._minting.mint(login, self._patience())
            return Credential(tried.username, tried.secret, source=source)
        with self._lock:
            seat = self._seats.setdefault(registry, _Seat())
        with seat.lock:
            minted = seat.minted
            if minted is None or seat.login != login or not self._lasts(seat, minted):
                minted = self._renewed(registry, seat, login)
        return self._credential(registry, login, source, minted)

    def _credential(self, registry: int, login: ProviderLogin, source: str, minted: Minted) -> Credential:
        """It goes on asking for the one of the moment: a transfer may last longer than a login. Where the registry has
        been given another login since, whoever began with this one keeps what they have."""

        def renewal() -> Credential:
            with self._lock:
                seat = self._seats.get(registry)
            if seat is None or seat.login != login:
                return Credential(minted.username, minted.secret, source=source)
            return self.credential(registry, login, source)

        return Credential(minted.username, minted.secret, source=source, renewal=renewal)

    def validities(self) -> Mapping[int, float]:
        return self._validity.validities()

    def forget(self, registry: int) -> None:
        with self._lock:
            self._seats.pop(registry, None)
        self._validity.forgotten(registry)

    def _lasts(self, seat: _Seat, minted: Minted) -> bool:
        """Not where the clock was set back since: nobody knows how much of it has passed."""
        life = max(minted.expires - seat.since, SHORTEST)
        return 0 <= self._clock() - seat.since < life / 2

    def _renewed(self, registry: int, seat: _Seat, login: ProviderLogin) -> Minted:
        """Where that fails, and the one that is kept is good for a while, it serves on: whoever renews early can."""
        now = self._clock()
        try:
            minted = self._minting.mint(login, self._patience())
        except LadingError:
            kept = seat.minted
            if kept is not None and seat.login == login and kept.expires - now > SHORTEST:
                return kept
            raise
        minted = replace(minted, expires=_believed(minted.expires, now))
        seat.login, seat.minted, seat.since = login, minted, now
        self._validity.minted(registry, minted.expires)
        return minted


def _believed(expires: float, now: float) -> float:
    """The end of a login, from now to LONGEST later; what is no number is as good as none."""
    return now if isnan(expires) else min(max(expires, now), now + LONGEST)


class NoMint:
    """Fulfils MintedLogins where nothing is minted: the login that is kept is the one that goes to the registry."""

    def credential(
        self,
        registry: int | None,  # noqa: ARG002  the same for all
        login: ProviderLogin,
        source: str,
    ) -> Credential:
        return Credential(login.username, login.secret, source=source)

    def validities(self) -> Mapping[int, float]:
        return {}

    def forget(self, registry: int) -> None:
        """Nothing is kept."""
