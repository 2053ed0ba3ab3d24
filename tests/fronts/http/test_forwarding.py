"""How a client reached us, as proxies tell it: those that are trusted, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.fronts.http.forwarding import Forwarding

FORWARDING = Forwarding.parse(["10.0.0.0/8"])
PROXY, STRANGER = "10.1.2.3", "192.0.2.7"


def told(proto: str = "", host: str = "", prefix: str = "") -> dict[str, str]:
    fields = {"x-forwarded-proto": proto, "x-forwarded-host": host, "x-forwarded-prefix": prefix}
    return {"host": "registry.corp:5000", **{name: value for name, value in fields.items() if value}}


@pytest.mark.parametrize(
    ("headers", "outside"),
    [
        (told(), None),
        (told("https"), "https://registry.corp:5000"),
        (told("https", "hub.corp"), "https://hub.corp"),
        (told("http", "hub.corp:8080", "/registry"), "http://hub.corp:8080/registry"),
        (told("https", "hub.corp", "/a/b-c_d.e/"), "https://hub.corp/a/b-c_d.e"),
        (told("https", "[2001:db8::1]:5000"), "https://[2001:db8::1]:5000"),
        (told("", "hub.corp"), "http://hub.corp"),
        (told("https, http", "hub.corp"), "https://hub.corp"),
        (told("http, https", "hub.corp"), "https://hub.corp"),
        (told("https", "evil.example, hub.corp"), None),
        (told("https", "hub.corp, inner"), None),
        (told("https", "evil.example, registry.corp:5000"), "https://registry.corp:5000"),
        (told("https", "hub.corp", "/.."), None),
        (told("https", "hub.corp", "/a/../b"), None),
        (told("https", "hub.corp", "/a/./b"), None),
        (told("https", "hub.corp", "/a/.b/..c/d.."), "https://hub.corp/a/.b/..c/d.."),
        (told("https", "hub.corp", "/evil, /registry"), None),
        (told("", "", "/registry"), "http://registry.corp:5000/registry"),
        (told("ftp", "hub.corp"), None),
        (told("javascript", "hub.corp"), None),
        (told("https", "hub.corp/path"), None),
        (told("https", "hub.corp:65536"), None),
        (told("https", "hub.corp:"), None),
        (told("https", 'hub"corp'), None),
        (told("https", "user@hub.corp"), None),
        (told("https", "hub.corp", "//evil.example"), None),
        (told("https", "hub.corp", "/a?b"), None),
        (told("https", "hub.corp", "registry"), None),
    ],
)
def test_what_a_trusted_proxy_says(headers: dict[str, str], outside: str | None) -> None:
    assert FORWARDING.outside(PROXY, headers) == outside


@pytest.mark.parametrize(
    ("headers", "outside"),
    [
        (told("https", "hub.corp"), "https://hub.corp"),
        (told("https", "HUB.corp:8443"), "https://HUB.corp:8443"),
        (told("https", "evil.example, hub.corp"), "https://hub.corp"),
        (told("https", "hub.corp, inner"), "https://hub.corp"),
        (told("https", "evil.example, hub.corp, inner"), "https://hub.corp"),
        (told("https", "evil.example"), None),
        (told("https", "203.0.113.9"), None),
        (told("https", "evil.example, 127.0.0.1"), None),
        (told("https", "hub.corp.evil.example"), None),
        (told("https", "evil.example") | {"host": "hub.corp"}, "https://hub.corp"),
        (told("https"), "https://registry.corp:5000"),
    ],
)
def test_where_it_is_known_how_others_call_us_no_other_name_is_told_back(
    headers: dict[str, str], outside: str | None
) -> None:
    """A proxy that appends, or passes on what the client says, says what the client made up too."""
    assert FORWARDING.outside(PROXY, headers, {"hub.corp"}) == outside


def test_a_name_may_be_an_address_of_version_six() -> None:
    assert (
        FORWARDING.outside(PROXY, told("https", "[2001:db8::1]:5000"), {"2001:db8::1"}) == "https://[2001:db8::1]:5000"
    )


def test_what_a_stranger_says_is_passed_over() -> None:
    assert FORWARDING.outside(STRANGER, told("https", "evil.example")) is None
    assert Forwarding().outside(PROXY, told("https", "evil.example")) is None
    assert FORWARDING.outside("not an address", told("https", "evil.example")) is None


@given(st.text(), st.text(), st.text())
def test_whatever_is_said_makes_a_url_or_nothing(proto: str, host: str, prefix: str) -> None:
    outside = FORWARDING.outside(PROXY, told(proto, host, prefix))

    assert outside is None or not set(outside) & set(' "<>\\\r\n?#')


def test_the_path_before_ours_is_a_trusted_proxys_word() -> None:
    assert FORWARDING.prefix(PROXY, told(prefix="/lading/")) == "/lading"
    assert FORWARDING.prefix(STRANGER, told(prefix="/lading")) == ""
    assert FORWARDING.prefix(PROXY, told()) == ""
    for doubtful in ("/a, /b", "/..", "lading", "/a b", "//a"):
        assert FORWARDING.prefix(PROXY, told(prefix=doubtful)) == "", doubtful
