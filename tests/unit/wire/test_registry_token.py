"""Tokens of our registry: what was changed, has ended, or is for somebody else opens nothing."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.authorize import Scope
from lading.wire.registry_token import LONGEST, Claims, Fault, Kind, TokenInvalid, is_registry_token, read, write

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SERVICE, NOW = "registry.corp", 1_800_000_000
CLAIMS = Claims(SERVICE, 7, None, (Scope("team/app", ("pull", "push")),), NOW + 300)
TEXT = write(Kind.ACCESS, CLAIMS, KEY)
WORDS = st.text(string.ascii_lowercase + string.digits + "./-_", min_size=1)


def fault(text: str, *, service: str = SERVICE, now: float = NOW, kind: Kind = Kind.ACCESS) -> Fault:
    with pytest.raises(TokenInvalid) as raised:
        read(kind, text, [KEY], service, now)
    return raised.value.fault


@given(
    st.sampled_from(Kind),
    st.builds(
        Claims,
        service=st.text(min_size=1),
        user=st.none() | st.integers(0),
        token=st.none() | st.integers(0),
        scopes=st.lists(st.builds(Scope, WORDS, st.lists(WORDS).map(tuple))).map(tuple),
        expires=st.none() | st.integers(NOW + 1),
        proof=st.text(),
    ),
)
def test_what_is_written_is_read(kind: Kind, claims: Claims) -> None:
    text = write(kind, claims, KEY)

    assert read(kind, text, [OTHER, KEY], claims.service, NOW) == claims
    assert is_registry_token(text)
    assert text.isascii()
    assert not set(text) & set(' ,"\\=')


@given(st.data())
def test_one_changed_character_is_noticed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TEXT) - 1))
    other = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda letter: letter != TEXT[place]))

    assert fault(TEXT[:place] + other + TEXT[place + 1 :]) in {Fault.FORGED, Fault.UNREADABLE}


@given(st.text() | st.text(string.ascii_letters + "._-=1", max_size=200).map(lambda text: f"lra1.{text}"))
def test_what_we_did_not_write_opens_nothing(text: str) -> None:
    assert fault(text) in {Fault.FORGED, Fault.UNREADABLE}


@pytest.mark.parametrize(
    "changed",
    [
        TEXT + "=",
        TEXT + "==",
        TEXT[:-1],
        TEXT + "A",
        TEXT + ".",
        TEXT + " ",
        " " + TEXT,
        TEXT + "\n",
        TEXT.replace(".", "=.", 2),
        TEXT.replace(".", "..", 1),
        TEXT.upper(),
        TEXT.rpartition(".")[0],
        TEXT.rpartition(".")[0] + ".",
        TEXT.rpartition(".")[0] + "." + TEXT,
        "lrr1" + TEXT.removeprefix("lra1"),
        "none" + TEXT.removeprefix("lra1"),
        "",
        ".",
        "..",
        "A" * (LONGEST + 1),
    ],
)
def test_no_other_spelling_of_a_token_passes(changed: str) -> None:
    assert fault(changed) in {Fault.FORGED, Fault.UNREADABLE}


def test_the_last_character_of_a_seal_has_no_spare_bits() -> None:
    """32 bytes are 43 letters, of whose last two bits nothing depends: a lax reader takes four spellings of a seal."""
    seal = TEXT.rpartition(".")[2]
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    same = [letter for letter in alphabet if _decoded(seal[:-1] + letter) == _decoded(seal)]

    assert len(same) == 4
    for letter in set(same) - {seal[-1]}:
        assert fault(TEXT[:-1] + letter) is Fault.FORGED


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=")


def test_a_token_ends() -> None:
    assert read(Kind.ACCESS, TEXT, [KEY], SERVICE, NOW + 299.9) == CLAIMS
    assert fault(TEXT, now=NOW + 300) is Fault.EXPIRED


@pytest.mark.parametrize("service", ["", "registry.corp:5000", "REGISTRY.CORP", "evil.example"])
def test_a_token_is_for_one_service(service: str) -> None:
    assert fault(TEXT, service=service) is Fault.FOREIGN


def test_another_key_seals_for_somebody_else() -> None:
    assert fault(write(Kind.ACCESS, CLAIMS, OTHER)) is Fault.FORGED


def test_an_access_token_is_no_login_and_a_login_no_access_token() -> None:
    assert fault(TEXT, kind=Kind.REFRESH) is Fault.FORGED
    assert fault(write(Kind.REFRESH, CLAIMS, KEY)) is Fault.FORGED


def test_a_token_holds_no_text_that_says_who_it_is() -> None:
    """Ids, not names: what ends up in somebody's log tells little."""
    told = _decoded(TEXT.split(".")[1].rstrip("=") + "==")

    assert told == b'{"s":"registry.corp","u":7,"a":["repository:team/app:pull,push"],"e":1800000300}'


@pytest.mark.parametrize("text", ["lra1.x.y", "lrr1."])
def test_ours_are_told_from_api_tokens(text: str) -> None:
    assert is_registry_token(text)
    assert not is_registry_token("lad_" + text)
