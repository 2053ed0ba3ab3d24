"""What somebody writes of an environment: what becomes of it, and one sentence for each field that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.services.environment import ConnectionType
from lading.services.environment_forms import EnvironmentForm, EnvironmentInvalid, changed_row, new_row

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
        (EnvironmentForm("x", "hawser-standard"), {"connectionType"}),
        (EnvironmentForm("x", "hawser-edge", host="h"), {"connectionType"}),
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


def test_agents_are_for_a_later_version() -> None:
    with pytest.raises(EnvironmentInvalid, match="hawser-edge is not in this version"):
        new_row(EnvironmentForm("x", "hawser-edge"))


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
