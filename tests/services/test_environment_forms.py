"""What somebody writes of an environment: what becomes of it, and one sentence for each field that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.services.environments.environment import ConnectionType
from lading.services.environments.forms import EnvironmentForm, EnvironmentInvalid, changed_row, new_row
from lading.services.environments.records import EnvironmentRow

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"


def test_a_socket_has_dockers_own_path_unless_it_is_named() -> None:
    assert new_row(EnvironmentForm("here", "socket")).socket_path == "/var/run/docker.sock"
    assert new_row(EnvironmentForm("here", "socket", socket_path="/tmp/d.sock")).socket_path == "/tmp/d.sock"


@pytest.mark.parametrize(
    ("form", "protocol", "port"),
    [
        (EnvironmentForm(host="h"), "http", 2375),
        (EnvironmentForm(host="h", protocol="https"), "https", 2376),
        (EnvironmentForm(host="h", tls_skip_verify=True), "https", 2376),
        (EnvironmentForm(host="h", tls_ca=CERTIFICATE), "https", 2376),
        (EnvironmentForm(host="2001:db8::1", port=99), "http", 99),
        (EnvironmentForm(host="my_host"), "http", 2375),
    ],
)
def test_a_direct_one_has_dockers_ports(form: EnvironmentForm, protocol: str, port: int) -> None:
    row = new_row(replace(form, name="there", connection_type="direct"))
    assert (row.protocol, row.port) == (protocol, port)


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (EnvironmentForm(), {"name", "connectionType"}),
        (EnvironmentForm("  ", "socket"), {"name"}),
        (EnvironmentForm("x\n", "socket", socket_path="x"), {"socketPath"}),
        (EnvironmentForm("a\nb", "socket"), {"name"}),
        (EnvironmentForm("x" * 101, "socket"), {"name"}),
        (EnvironmentForm("x", "tunnel"), {"connectionType"}),
        (EnvironmentForm("x", "hawser-standard"), {"host"}),
        (EnvironmentForm("x", "hawser-standard", host="h", socket_path="/x"), {"socketPath"}),
        (EnvironmentForm("x", "hawser-standard", host="h", hawser_token="a\nb"), {"hawserToken"}),
        (EnvironmentForm("x", "hawser-standard", host="h", hawser_token="é"), {"hawserToken"}),
        (EnvironmentForm("x", "hawser-standard", host="h", hawser_token="x" * 1001), {"hawserToken"}),
        (EnvironmentForm("x", "hawser-standard", host="h", protocol="http", tls_ca=CERTIFICATE), {"tlsCa"}),
        (
            EnvironmentForm("x", "hawser-standard", host="h", tls_cert=CERTIFICATE, tls_key=KEY),
            {"tlsCert", "tlsKey"},
        ),
        (EnvironmentForm("x", "hawser-edge", host="h"), {"host"}),
        (EnvironmentForm("x", "hawser-edge", hawser_token="t", port=2), {"hawserToken", "port"}),
        (EnvironmentForm("x", "direct", host="h", hawser_token="t"), {"hawserToken"}),
        (EnvironmentForm("x", "socket", socket_path="relative.sock"), {"socketPath"}),
        (EnvironmentForm("x", "socket", socket_path="/" + "a" * 200), {"socketPath"}),
        (EnvironmentForm("x", "socket", socket_path="/a\0b"), {"socketPath"}),
        (EnvironmentForm("x", "socket", host="h", port=1), {"host", "port"}),
        (EnvironmentForm("x", "direct"), {"host"}),
        (EnvironmentForm("x", "direct", host="http://h"), {"host"}),
        (EnvironmentForm("x", "direct", host="h:1"), {"host"}),
        (EnvironmentForm("x", "direct", host="::1::"), {"host"}),
        (EnvironmentForm("x", "direct", host="[::1]"), {"host"}),
        (EnvironmentForm("x", "direct", host="h/../x", port=0), {"host", "port"}),
        (EnvironmentForm("x", "direct", host="h", port=70_000), {"port"}),
        (EnvironmentForm("x", "direct", host="h", protocol="ftp"), {"protocol"}),
        (EnvironmentForm("x", "direct", host="h", protocol="http", tls_ca=CERTIFICATE), {"tlsCa"}),
        (EnvironmentForm("x", "direct", host="h", tls_ca="nonsense"), {"tlsCa"}),
        (EnvironmentForm("x", "direct", host="h", tls_cert=CERTIFICATE), {"tlsKey"}),
        (EnvironmentForm("x", "direct", host="h", tls_key=KEY), {"tlsCert"}),
        (EnvironmentForm("x", "direct", host="h", tls_cert=KEY, tls_key=CERTIFICATE), {"tlsCert", "tlsKey"}),
        (EnvironmentForm("x", "embedded", socket_path="/x"), {"socketPath"}),
    ],
)
def test_every_field_that_is_wrong_is_named(form: EnvironmentForm, fields: set[str]) -> None:
    with pytest.raises(EnvironmentInvalid) as caught:
        new_row(form)

    assert set(caught.value.fields) == fields
    assert all(name in str(caught.value) for name in fields)


@pytest.mark.parametrize(
    ("form", "protocol", "port"),
    [
        (EnvironmentForm(host="h"), "http", 2376),
        (EnvironmentForm(host="h", protocol="https"), "https", 2376),
        (EnvironmentForm(host="h", tls_ca=CERTIFICATE), "https", 2376),
        (EnvironmentForm(host="h", port=99), "http", 99),
    ],
)
def test_a_standard_agent_has_its_own_port(form: EnvironmentForm, protocol: str, port: int) -> None:
    row = new_row(replace(form, name="there", connection_type="hawser-standard"))
    assert (row.protocol, row.port, row.tls_ca) == (protocol, port, form.tls_ca)


def test_an_edge_one_has_nothing_but_its_name() -> None:
    assert new_row(EnvironmentForm("far", "hawser-edge")) == EnvironmentRow(0, "far", ConnectionType.HAWSER_EDGE)


TRUSTED = new_row(EnvironmentForm("x", "hawser-standard", host="h", tls_ca=CERTIFICATE))


@pytest.mark.parametrize(
    "form",
    [
        EnvironmentForm(host="elsewhere"),
        EnvironmentForm(port=99),
        EnvironmentForm(tls_ca=CERTIFICATE * 2),
        EnvironmentForm(tls_skip_verify=True),
        EnvironmentForm(protocol="http"),
    ],
)
def test_a_token_goes_to_nobody_it_was_not_given_for(form: EnvironmentForm) -> None:
    before = replace(TRUSTED, hawser_token_sealed="sealed")
    with pytest.raises(EnvironmentInvalid, match="hawserToken must be given again"):
        changed_row(before, form)

    assert changed_row(before, replace(form, hawser_token="new")).hawser_token_sealed is None
    assert changed_row(before, replace(form, hawser_token="")).hawser_token_sealed is None
    assert changed_row(TRUSTED, form).hawser_token_sealed is None


def test_a_token_stays_with_its_host_and_goes_with_its_way() -> None:
    before = replace(TRUSTED, hawser_token_sealed="sealed")

    assert changed_row(before, EnvironmentForm(name="y")).hawser_token_sealed == "sealed"
    assert changed_row(before, EnvironmentForm(hawser_token="")).hawser_token_sealed is None
    assert changed_row(before, EnvironmentForm(connection_type="hawser-edge")).hawser_token_sealed is None
    assert "secret" not in repr(EnvironmentForm("x", "hawser-standard", host="h", hawser_token="secret"))


def test_a_change_leaves_what_it_does_not_name() -> None:
    before = replace(
        new_row(EnvironmentForm("x", "direct", host="h", tls_cert=CERTIFICATE, tls_key=KEY, tls_skip_verify=True)),
        tls_key_sealed="sealed",
    )
    after = changed_row(before, EnvironmentForm(port=99))

    assert after == replace(before, port=99)


def test_what_belonged_to_the_former_way_goes_with_it() -> None:
    before = replace(
        new_row(EnvironmentForm("x", "direct", host="h", tls_cert=CERTIFICATE, tls_key=KEY)), tls_key_sealed="sealed"
    )
    after = changed_row(before, EnvironmentForm(connection_type="socket"))

    assert after.connection_type is ConnectionType.SOCKET
    assert (after.host, after.tls_cert, after.tls_key_sealed) == (None, None, None)
    assert changed_row(before, EnvironmentForm(protocol="http")).tls_key_sealed is None


def test_a_key_never_shows() -> None:
    form = EnvironmentForm("x", "direct", host="h", tls_key=KEY)
    assert "PRIVATE" not in repr(form)
