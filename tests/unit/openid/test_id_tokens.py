"""ID tokens: what the provider signed for us, for this login and for now; and everything that somebody else made."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from lading.backends.openid.asking import Members
from lading.backends.openid.id_token import (
    ALGORITHMS,
    LONGEST_SUBJECT,
    LONGEST_TOKEN,
    MOST_KEYS,
    SKEW_SECONDS,
    Expected,
    proven,
)
from lading.services.identity.identity_provider import Doubt, IdentityDoubtful
from tests.fakes.signed_identities import CLIENT, ISSUER, NOW, claims, ec, public, rsa, signed

EXPECTED = Expected(ISSUER, CLIENT, "n", ALGORITHMS, NOW)
KEYS: list[Members] = [public(rsa("one")), public(ec("two"))]


def keys(anew: bool) -> Sequence[Members]:
    return KEYS


def doubt(token: str, expected: Expected = EXPECTED) -> Doubt:
    with pytest.raises(IdentityDoubtful) as failed:
        proven(token, keys, expected)
    return failed.value.doubt


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        signed(claims(), rsa("one")),
        signed(claims(), rsa("one"), "PS256"),
        signed(claims(), ec("two"), "ES256"),
        signed(claims(), rsa("one"), kid=None),
        signed(claims(aud=[CLIENT, "another"], azp=CLIENT), rsa("one")),
        signed(claims(aud=[CLIENT]), rsa("one"), x5t="of-another-time"),
        signed(claims(exp=NOW - SKEW_SECONDS + 1, iat=NOW + SKEW_SECONDS), rsa("one")),
    ],
)
def test_what_the_provider_signed_for_this_login_is_taken(token: str) -> None:
    assert proven(token, keys, EXPECTED)["sub"] == "s-1"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"iss": "https://sign-on.corp/realms/other"}, Doubt.ISSUER),
        ({"iss": f"{ISSUER}/"}, Doubt.ISSUER),
        ({"iss": None}, Doubt.ISSUER),
        ({"aud": "another"}, Doubt.AUDIENCE),
        ({"aud": None}, Doubt.AUDIENCE),
        ({"aud": [CLIENT, "another"]}, Doubt.AUDIENCE),
        ({"azp": "another"}, Doubt.AUDIENCE),
        ({"aud": {CLIENT: 1}}, Doubt.AUDIENCE),
        ({"exp": NOW - SKEW_SECONDS}, Doubt.ENDED),
        ({"exp": None}, Doubt.ENDED),
        ({"exp": "later"}, Doubt.ENDED),
        ({"exp": True}, Doubt.ENDED),
        ({"exp": float("nan")}, Doubt.ENDED),
        ({"exp": 10**400}, Doubt.ENDED),
        ({"iat": 10**400}, Doubt.EARLY),
        ({"iat": float("nan")}, Doubt.EARLY),
        ({"nbf": 10**400}, Doubt.EARLY),
        ({"iat": NOW + SKEW_SECONDS + 1}, Doubt.EARLY),
        ({"iat": None}, Doubt.EARLY),
        ({"nbf": NOW + SKEW_SECONDS + 1}, Doubt.EARLY),
        ({"nonce": "of another"}, Doubt.NONCE),
        ({"nonce": None}, Doubt.NONCE),
        ({"sub": ""}, Doubt.SUBJECT),
        ({"sub": 7}, Doubt.SUBJECT),
        ({"sub": "a\0b"}, Doubt.SUBJECT),
        ({"sub": "a\nb"}, Doubt.SUBJECT),
        ({"sub": "s" * (LONGEST_SUBJECT + 1)}, Doubt.SUBJECT),
    ],
)
def test_what_it_signed_for_something_else_is_not(changed: dict[str, object], told: Doubt) -> None:
    assert doubt(signed(claims(**changed), rsa("one"))) is told


def test_an_unsigned_token_is_none() -> None:
    for spelling in ("none", "None", "NONE", "nOnE"):
        assert doubt(f"{encoded({'alg': spelling})}.{encoded(claims())}.") is Doubt.ALGORITHM


def test_a_public_key_is_no_shared_secret() -> None:
    """The oldest attack on signed tokens: HMAC, with the provider's public key as its key."""
    said = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(claims())}"
    mac = hmac.digest(rsa("one").as_pem(private=False), said.encode(), "sha256")

    assert doubt(f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}") is Doubt.ALGORITHM


def test_a_shared_secret_among_the_keys_signs_nothing() -> None:
    shared = OctKey.generate_key(256, {"kid": "one"})

    def with_secret(anew: bool) -> Sequence[Members]:
        return [public(shared)]

    for algorithm in ("HS256", "RS256"):
        token = signed(claims(), shared, "HS256")
        _, body, signature = token.split(".")
        head = encoded({"alg": algorithm, "kid": "one"})
        with pytest.raises(IdentityDoubtful):
            proven(f"{head}.{body}.{signature}", with_secret, EXPECTED)


def test_what_another_key_signed_is_not_taken() -> None:
    assert doubt(signed(claims(), rsa("another"), kid="one")) is Doubt.SIGNATURE
    assert doubt(signed(claims(), rsa("another"))) is Doubt.SIGNATURE
    assert doubt(signed(claims(), rsa("one"), kid="two")) is Doubt.SIGNATURE


def test_a_key_that_comes_with_the_token_is_not_used() -> None:
    mine = rsa("mine")

    token = signed(claims(), mine, kid=None, jwk=public(mine), jku="https://evil.test/keys")

    assert doubt(token) is Doubt.SIGNATURE


def test_a_key_for_something_else_is_not_used() -> None:
    def other(anew: bool) -> Sequence[Members]:
        return [public(rsa("one")) | {"use": "enc"}, public(rsa("one")) | {"alg": "RS512"}]

    with pytest.raises(IdentityDoubtful):
        proven(signed(claims(), rsa("one")), other, EXPECTED)


def test_what_was_changed_after_signing_is_not_taken() -> None:
    head, _, signature = signed(claims(), rsa("one")).split(".")

    assert doubt(f"{head}.{encoded(claims(sub='another'))}.{signature}") is Doubt.SIGNATURE


def test_a_way_that_the_provider_does_not_use_is_not_taken() -> None:
    only = Expected(ISSUER, CLIENT, "n", frozenset({"ES256"}), NOW)

    assert doubt(signed(claims(), rsa("one")), only) is Doubt.ALGORITHM


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("", Doubt.UNSIGNED),
        ("..", Doubt.UNSIGNED),
        ("a.b", Doubt.UNSIGNED),
        ("!.!.!", Doubt.UNSIGNED),
        ("a.b.c.d.e", Doubt.UNSIGNED),
        ("é.b.c", Doubt.UNSIGNED),
        (f"{encoded([])}.b.c", Doubt.ALGORITHM),
        (f"{encoded({'alg': ['RS256']})}.b.c", Doubt.ALGORITHM),
        (f"{encoded({'alg': 'RS256'})}.é.c", Doubt.SIGNATURE),
        (f"{encoded({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{encoded(claims())}.c", Doubt.SIGNATURE),
        ("x" * (LONGEST_TOKEN + 1), Doubt.UNSIGNED),
    ],
)
def test_what_is_no_token_is_told_as_that(token: str, told: Doubt) -> None:
    assert doubt(token) is told


def test_a_new_key_is_asked_for_once() -> None:
    asked: list[bool] = []

    def renewed(anew: bool) -> Sequence[Members]:
        asked.append(anew)
        return [public(rsa("new"))] if anew else KEYS

    assert proven(signed(claims(), rsa("new")), renewed, EXPECTED)["sub"] == "s-1"
    assert asked == [False, True]


def test_keys_that_are_none_are_passed_over() -> None:
    def odd(anew: bool) -> Sequence[Members]:
        return [{"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": 7}, public(rsa("one"))]

    assert proven(signed(claims(), rsa("one"), kid=None), odd, EXPECTED)["sub"] == "s-1"


@pytest.mark.parametrize(("name", "told"), [("nonce", Doubt.NONCE), ("sub", Doubt.SUBJECT), ("azp", Doubt.AUDIENCE)])
def test_half_a_character_is_no_text(name: str, told: Doubt) -> None:
    """As JSON may spell it, and nobody can write it down again."""
    payload = json.dumps(claims() | {name: "\ud800"})
    header = {"alg": "RS256", "kid": "one"}

    assert doubt(jws.serialize_compact(header, payload, rsa("one"))) is told


def test_keys_without_number_are_not_all_tried() -> None:
    others = [public(rsa(str(each))) for each in range(2)] * 500
    tried: list[int] = []

    class Counted(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            tried.append(1) if key == "n" else None
            return super().get(key, default)

    with pytest.raises(IdentityDoubtful):
        proven(
            signed(claims(), rsa("one"), kid=None),
            lambda _: [Counted(each) for each in others if each["kid"] != "one"],
            EXPECTED,
        )
    assert len(tried) <= 2 * MOST_KEYS
