"""Client certificates: how programs on other machines come to the Docker door, signed by an authority of our own.

A certificate is an API token whose secret is a key that never comes back to us: it is listed, scoped, revoked and it
expires as tokens do, and it may what its user may, or less. Its row is looked up at every request, so one that is
revoked opens nothing any more, on connections that stand already either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from lading.services.access import Actor
from lading.services.identity.login_records import TokenRow
from lading.services.identity.tokens import Hashed, TokenForm, Tokens, certificate_hash
from lading.services.identity.user_records import UserRow

USUAL_SECONDS = 365 * 24 * 60 * 60.0
"""How long a certificate holds, where nobody says: unlike a token's, its end is written into it, so it has one."""

SHOWN_DIGITS = 8
"""Of the fingerprint in lists."""

DOOR_SETTING = "docker-api-host"
"""Where others reach the Docker door, `tcp://HOST:PORT`, as the server that began last says."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key as PEM, and as DER what the other side sees of it."""

    certificate: str
    key: str = field(repr=False)
    seen: bytes = field(repr=False)


class Authority(Protocol):
    """Signs; its own certificate says so. Raises StorageFailed, SealBroken."""

    @property
    def certificate(self) -> str:
        """As PEM: what both sides trust."""

    def client(self, name: str, expires: float) -> Issued:
        """For a client of this name, until then, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a client needs, as PEM; the key is told this once."""

    authority: str
    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """The row, and what goes to the client."""

    row: TokenRow
    bundle: Bundle


class ClientCertificates:
    """For every door; asks for permission and keeps the trail as Tokens does."""

    def __init__(self, tokens: Tokens, authority: Authority, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._tokens, self._authority, self._clock = tokens, authority, clock

    def add(self, actor: Actor, form: TokenForm) -> NewCertificate:
        """Raises TokenInvalid, RowUnknown for a user, Denied for a token that asks, or for a user with more than the
        actor; StorageFailed."""
        expires = float(int(form.expires if form.expires is not None else self._clock() + USUAL_SECONDS))
        made: list[Issued] = []

        def issued_to(user: UserRow) -> Hashed:
            issued = self._authority.client(user.name, expires)
            made.append(issued)
            fingerprint = hashlib.sha256(issued.seen).hexdigest()
            return Hashed(certificate_hash(issued.seen), f"cert {fingerprint[:SHOWN_DIGITS]}")

        row = self._tokens.keep(actor, replace(form, expires=expires), issued_to)
        (issued,) = made
        return NewCertificate(row, Bundle(self._authority.certificate, issued.certificate, issued.key))
