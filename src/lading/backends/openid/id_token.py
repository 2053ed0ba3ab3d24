"""An ID token: whether the provider signed it, for us, for this login, and for now (OpenID Connect Core 1.0, 3.1.3.7).

Only signatures of key pairs are taken: `none` proves nothing, and a secret that two sides know proves neither.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from lading.backends.openid.asking import Members
from lading.services.identity.identity_provider import Doubt, IdentityDoubtful
from lading.wire.json_answers import read_json

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
_KEY_TYPES = {"R": "RSA", "P": "RSA", "E": "EC"}
"""By how the algorithm's name begins."""

_LAST_INSTANT = 253_402_300_799
"""The last second of the year 9999."""

SKEW_SECONDS = 60.0
"""How far the provider's clock may be from ours."""

LONGEST_TOKEN = 64 * 1024
LONGEST_SUBJECT = 255
MOST_KEYS = 50
"""That are tried on one token: of a provider with more, it has to name its own."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token has to say; `algorithms` are those that the provider uses."""

    issuer: str
    client: str
    nonce: str = field(repr=False)
    algorithms: frozenset[str]
    now: float


def proven(token: str, keys: Callable[[bool], Sequence[Members]], expected: Expected) -> Members:
    """What it says, once that is proven. `keys` gives the provider's, asked for anew where True. Raises
    IdentityDoubtful, and what `keys` does."""
    algorithm, key = _head(token, expected.algorithms)
    claims = _signed(token, _fitting(keys(False), algorithm, key), algorithm)
    if claims is None:
        claims = _signed(token, _fitting(keys(True), algorithm, key), algorithm)
    if claims is None:
        raise IdentityDoubtful(Doubt.SIGNATURE)
    _check(claims, expected)
    return claims


def _head(token: str, algorithms: frozenset[str]) -> tuple[str, str | None]:
    """The algorithm, and the id of the key."""
    if len(token) > LONGEST_TOKEN or token.count(".") != 2:
        raise IdentityDoubtful(Doubt.UNSIGNED)
    first = token.partition(".")[0]
    try:
        head = read_json(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (binascii.Error, ValueError) as error:
        raise IdentityDoubtful(Doubt.UNSIGNED) from error
    algorithm = head.get("alg") if isinstance(head, dict) else None
    if not isinstance(head, dict) or not isinstance(algorithm, str) or algorithm not in ALGORITHMS & algorithms:
        raise IdentityDoubtful(Doubt.ALGORITHM)
    key = head.get("kid")
    return algorithm, key if isinstance(key, str) else None


def _fitting(keys: Sequence[Members], algorithm: str, key: str | None) -> Iterator[Members]:
    """Those that may have signed it."""
    for each in keys:
        if (
            each.get("kty") == _KEY_TYPES[algorithm[0]]
            and each.get("use", "sig") == "sig"
            and each.get("alg", algorithm) == algorithm
            and (key is None or each.get("kid") == key)
        ):
            yield each


def _signed(token: str, keys: Iterator[Members], algorithm: str) -> Members | None:
    """What it says, where one of the keys signed it."""
    from joserfc import jws, jwt  # noqa: PLC0415  only a login needs it
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import import_key  # noqa: PLC0415

    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for each in islice(keys, MOST_KEYS):
        try:
            public = import_key(_public(each))
            return jwt.decode(token, public, algorithms=[algorithm], registry=registry).claims
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return None


def _public(key: Members) -> dict[str, str | list[str]]:
    """The members of a public key (RFC 7518, 6), without what else a provider may have put there."""
    return {name: value for name in ("kty", "n", "e", "crv", "x", "y") if isinstance(value := key.get(name), str)}


def _check(claims: Members, expected: Expected) -> None:
    doubt = next((doubt for doubt, true in _checks(claims, expected) if not true), None)
    if doubt is not None:
        raise IdentityDoubtful(doubt)


def _checks(claims: Members, expected: Expected) -> Iterator[tuple[Doubt, bool]]:
    ends, made, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    nonce, subject = claims.get("nonce"), claims.get("sub")
    yield Doubt.ISSUER, claims.get("iss") == expected.issuer
    yield Doubt.AUDIENCE, _is_for(claims, expected.client)
    yield Doubt.ENDED, _is_instant(ends) and expected.now < ends + SKEW_SECONDS  # type: ignore[operator]  # it is one
    for when in (made, begins):
        yield Doubt.EARLY, _is_instant(when) and when <= expected.now + SKEW_SECONDS  # type: ignore[operator]  # it is one
    yield Doubt.NONCE, isinstance(nonce, str) and hmac.compare_digest(_bytes(nonce), _bytes(expected.nonce))
    yield Doubt.SUBJECT, isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()


def _is_for(claims: Members, client: str) -> bool:
    """Of several it is for, the one that asked for it must be us."""
    audience, party = claims.get("aud"), claims.get("azp")
    listed = audience if isinstance(audience, list) else [audience]
    return client in listed and (party == client or (party is None and len(listed) == 1))


def _is_instant(value: object) -> bool:
    """Seconds since 1970 that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LAST_INSTANT


def _bytes(text: str) -> bytes:
    """Half a character, which JSON can spell, is like no other."""
    return text.encode("utf-8", "surrogatepass")
