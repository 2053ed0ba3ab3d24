"""Key files of Notary's client: what is in them, and what else a file may hold."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.proof.key_files import PassphraseWrong, encrypted_pem
from lading.proof.signing_keys import KeyInvalid
from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_keys import KeySigner
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

    assert KeySigner(key.private).key.id == ID
    assert (key.role, key.gun) == ("root", None)


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
