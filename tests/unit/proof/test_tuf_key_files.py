"""Key files of Notary's client: what is in them, and what else a file may hold."""

from __future__ import annotations

import contextlib

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from lading.proof.key_files import PassphraseWrong, encrypted_pem
from lading.proof.signing_keys import KeyInvalid, KeyKind, PrivateKey
from lading.proof.tuf_key_files import NotaryKey, role_and_gun
from lading.proof.tuf_keys import SigningKey
from tests.fakes.trust_repository import private

KEY = b"""-----BEGIN ENCRYPTED PRIVATE KEY-----
role: root

MIHuMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAgGNLHzgV9M+gICCAAw
HQYJYIZIAWUDBAEqBBA0habMbJa2C0TGA3pGmdJxBIGgksqzU47Gq9ytmph2rR0a
QkRZxko7+DAbBqHyQ9Y8HWLYhWf1hmrRNnY0PrDsTLEPbhzUkn5RPs/nQqkL32fQ
TkhLJpcI9cs2/3GVjzWJnpAARSrD6SBmZBXOkVWI0/11LbZnwR48vkq+mgQdncx5
s+rLgF+f4TJx7LRrmVeFkQdVugbCH9YGyNUKci6aJseUQVCqxM/+3AGq7C9/XRC2
ig==
-----END ENCRYPTED PRIVATE KEY-----
"""
"""Made for this test by `notary key generate ecdsa`; the file's name was ID."""
ID = "95572f484a4fa440e0a443bd65d12758a2305b540835d3056af077b7d581896f"


def test_a_key_of_notary_is_opened_and_keeps_its_name() -> None:
    key = NotaryKey.parse(KEY, "a long word")

    assert SigningKey(key.private).key.id == ID
    assert (key.role, key.gun) == ("root", None)


@pytest.mark.parametrize("role", ["a\x0bb", "a\x85b", "a\u2028b", "a: b", "\x1b[31m"])
def test_a_header_may_hold_what_ends_a_line_elsewhere(role: str) -> None:
    """Whoever loads a key file of somebody else must not be stopped by it, nor whoever lists keys afterwards."""
    pem = KEY.replace(b"role: root", f"role: {role}\r\ngun: registry.test/app".encode())

    assert role_and_gun(pem) == (role, "registry.test/app")
    assert NotaryKey.parse(pem, "a long word").role == role


@pytest.mark.parametrize("passphrase", ["another word", None])
def test_a_wrong_passphrase_is_told(passphrase: str | None) -> None:
    with pytest.raises(PassphraseWrong):
        NotaryKey.parse(KEY, passphrase)


def test_headers_are_read() -> None:
    named = KEY.replace(b"role: root\n", b"gun: registry.example/team/app\nrole: targets\n")
    key = NotaryKey.parse(named, "a long word")

    assert (key.role, key.gun) == ("targets", "registry.example/team/app")


def test_a_key_without_headers_is_one_too() -> None:
    written = encrypted_pem(private("one"), "a long word", bytes)

    assert NotaryKey.parse(written, "a long word") == NotaryKey(private("one"), None, None)


@pytest.mark.parametrize("pem", [b"", b"role: root\n", KEY[:90], KEY.replace(b"PRIVATE", b"PUBLIC")])
def test_what_holds_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises((KeyInvalid, PassphraseWrong)):
        NotaryKey.parse(pem, "a long word")


@given(st.integers(100, len(KEY) - 1), st.binary(min_size=1, max_size=3))
def test_a_changed_file_ends_in_nothing_worse(place: int, other: bytes) -> None:
    with contextlib.suppress(KeyInvalid, PassphraseWrong):
        NotaryKey.parse(KEY[:place] + other + KEY[place + len(other) :], "a long word")


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize(("role", "gun"), [("root", None), ("targets", "registry.example/team/app")])
def test_a_file_we_write_is_read_again(kind: KeyKind, role: str, gun: str | None) -> None:
    key = NotaryKey(private("one", kind), role, gun)

    pem = key.pem("a long word", bytes, 2048)

    assert NotaryKey.parse(pem, "a long word") == key
    assert role_and_gun(pem) == (role, gun or "")
    with pytest.raises(PassphraseWrong):
        NotaryKey.parse(pem, "another word")


@pytest.mark.parametrize("iterations", [128, 32_767, 32_768, 600_000])
def test_a_passphrase_may_be_hashed_as_often_as_one_likes(iterations: int) -> None:
    pem = NotaryKey(private("one"), "root", None).pem("a long word", bytes, iterations)

    assert NotaryKey.parse(pem, "a long word").private == private("one")
    assert PrivateKey.of(load_pem_private_key(_without_headers(pem), b"a long word")) == private("one")


def _without_headers(pem: bytes) -> bytes:
    """As openssl would read it."""
    return pem.replace(b"role: root\n\n", b"")


def test_a_file_that_is_none_of_notarys_says_nothing_of_its_key() -> None:
    assert role_and_gun(encrypted_pem(private("one"), "a long word", bytes)) == ("", "")
    assert role_and_gun(b"") == ("", "")
