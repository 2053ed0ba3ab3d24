"""The login that comes along with a request to a Docker engine."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.reference import HUB
from lading.wire.authorize import Credential
from lading.wire.docker_auth import (
    ANONYMOUS,
    SOURCE,
    GivenLogin,
    LoginUnreadable,
    credential_of,
    read_registry_auth,
    registry_auth,
    registry_of,
)

ANN = Credential("ann", "p/w?>", source=SOURCE)
LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


def field(members: object, *, standard: bool = False, padded: bool = True) -> str:
    encode = base64.b64encode if standard else base64.urlsafe_b64encode
    text = encode(json.dumps(members).encode()).decode()
    return text if padded else text.rstrip("=")


@given(LINE.filter(lambda name: ":" not in name), LINE, st.booleans(), st.booleans())
def test_a_login_is_read_in_either_alphabet_padded_or_not(
    name: str, password: str, standard: bool, padded: bool
) -> None:
    text = field({"username": name, "password": password}, standard=standard, padded=padded)

    assert read_registry_auth(text) == GivenLogin(Credential(name, password, source=SOURCE))


@given(LINE.filter(lambda name: ":" not in name), LINE)
def test_what_we_write_is_what_we_read(name: str, password: str) -> None:
    assert read_registry_auth(registry_auth(Credential(name, password), "registry.example")) == GivenLogin(
        Credential(name, password, source=SOURCE)
    )


@pytest.mark.parametrize(
    "text", ["", "  ", ANONYMOUS, "e30", field({"serveraddress": "x.example"}), field({"auth": ""})]
)
def test_nobody_is_logged_in_where_nothing_is_said(text: str) -> None:
    assert read_registry_auth(text) == GivenLogin(None)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"auth": base64.b64encode(b"ann:p/w?>").decode()}, ANN),
        ({"auth": base64.b64encode(b"ann:p:w").decode()}, Credential("ann", "p:w", source=SOURCE)),
        ({"username": "ann", "password": "p/w?>", "auth": "!!!"}, ANN),
        ({"username": "ann", "identitytoken": "it"}, Credential(identity_token="it", source=SOURCE)),
        ({"registrytoken": "rt", "identitytoken": "it"}, Credential(registry_token="rt", source=SOURCE)),
        ({"username": "ann", "password": None, "email": 3}, Credential("ann", source=SOURCE)),
    ],
)
def test_each_kind_of_login_is_known(members: Mapping[str, object], expected: Credential) -> None:
    assert read_registry_auth(field(members)) == GivenLogin(expected)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!!", "it is not base64"),
        ("e30=e30=", "it is not base64"),
        (base64.b64encode(b"{").decode(), "it is not JSON"),
        (field([]), "it is no JSON object"),
        (field({"username": 1}), "its username is no text"),
        (field({"username": "a:b", "password": "c"}), "its user name has a colon"),
        (field({"username": "a\r\nb"}), "its username is not one line"),
        (field({"registrytoken": "a b"}), "its token has characters that no header takes"),
        (field({"auth": "%%"}), "its auth is not base64"),
        (field({"auth": base64.b64encode(b"ann").decode()}), "its auth is no user:password"),
        (field({"auth": base64.b64encode(b"\xff:\xff").decode()}), "its auth is no text"),
    ],
)
def test_what_cannot_be_read_is_nobodys_and_said_so(text: str, why: str) -> None:
    login = read_registry_auth(text)

    assert login.credential is None
    assert login.warning == f"X-Registry-Auth cannot be read ({why}): nobody is logged in"


@given(st.text(max_size=60))
def test_whatever_is_sent_there_is_an_answer(text: str) -> None:
    login = read_registry_auth(text)

    assert login.credential is None or login.warning == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5), lambda each: st.lists(each) | st.dictionaries(LINE, each)
    )
)
def test_no_shape_of_json_breaks_it(value: object) -> None:
    read_registry_auth(field(value))


def test_a_secret_is_in_no_text() -> None:
    assert "p/w" not in repr(read_registry_auth(field({"username": "ann", "password": "p/w?>"})))


@pytest.mark.parametrize(
    ("address", "registry"),
    [
        (None, HUB),
        ("", HUB),
        ("https://index.docker.io/v1/", HUB),
        ("docker.io", HUB),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("https://Registry.example:443/v2/", "registry.example:443"),
        ("http://registry.example/some/path", "registry.example"),
    ],
)
def test_the_registry_of_a_login_has_one_spelling(address: str | None, registry: str) -> None:
    assert registry_of(address) == registry


@pytest.mark.parametrize("address", [1, "a b", "https://", "x" * 300, "host:99999999"])
def test_what_is_no_registry_is_refused(address: object) -> None:
    with pytest.raises(LoginUnreadable):
        registry_of(address)


def test_a_login_without_anything_is_nobodys() -> None:
    assert credential_of({}) is None
