"""What clients show in their Authorization header."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.authorization import BasicLogin, BearerToken, parse_authorization


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Bearer lad_x", BearerToken("lad_x")),
        ("bearer   lad_x ", BearerToken("lad_x")),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic YW5uOmE6Yg==", BasicLogin("ann", "a:b")),
        ("BASIC YW5uOg==", BasicLogin("ann", "")),
        ("Basic YW5u", None),
        ("Basic YW5uO", None),
        ("Basic /w==", None),
        ("Basic é", None),
        ("Digest username=ann", None),
        ("", None),
    ],
)
def test_what_is_shown(header: str, shown: BasicLogin | BearerToken | None) -> None:
    assert parse_authorization(header) == shown


@given(st.text(st.characters(codec="utf-8", exclude_characters=":")), st.text(st.characters(codec="utf-8")))
def test_every_name_and_password_comes_through(name: str, secret: str) -> None:
    header = "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()

    assert parse_authorization(header) == BasicLogin(name, secret)


@given(st.text())
def test_nothing_breaks_it_and_nothing_is_shown_of_it(header: str) -> None:
    shown = parse_authorization(header)

    assert repr(shown).find("secret=") == -1
