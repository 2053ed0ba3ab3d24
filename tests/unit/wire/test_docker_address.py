"""Addresses of Docker hosts, as people write them."""

from __future__ import annotations

import pytest

from lading.wire.docker_address import DockerAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:///run/docker.sock", DockerAddress("/run/docker.sock")),
        ("unix://", DockerAddress("")),
        ("tcp://host", DockerAddress(None, "host")),
        ("tcp://10.0.0.5:2375/", DockerAddress(None, "10.0.0.5", 2375)),
        ("https://host:2376", DockerAddress(None, "host", 2376, "https")),
        ("tcp://[::1]:2375", DockerAddress(None, "::1", 2375)),
        ("tcp://host:02375", DockerAddress(None, "host", 2375)),
        ("tcp://host:65535", DockerAddress(None, "host", 65535)),
        ("tcp://host:", DockerAddress(None, "host")),
        ("tcp://my_host:2375", DockerAddress(None, "my_host", 2375)),
        ("tcp://_build.corp.", DockerAddress(None, "_build.corp.")),
        ("https://[2001:db8::2]", DockerAddress(None, "2001:db8::2", None, "https")),
        ("tcp://host:0", None),
        ("tcp://host:65536", None),
        ("tcp://host:99999", None),
        ("tcp://host:23x", None),
        ("tcp://host:-1", None),
        ("tcp://host:\u0661", None),
        ("tcp://[::1", None),
        ("tcp://::1]", None),
        ("tcp://::1:2375", None),
        ("tcp://[]:2375", None),
        ("tcp://[g::1]:2375", None),
        ("tcp://[:::::]:2375", None),
        ("tcp://[10.0.0.5]:2375", None),
        ("tcp://[fe80::1%eth0]:2375", None),
        ("tcp://a..b:2375", None),
        ("tcp://.:2375", None),
        (f"tcp://{'a' * 64}:2375", None),
        (f"tcp://{'a.' * 127}:2375", None),
        ("tcp://user@host:2375", None),
        ("ssh://host", None),
        ("host:2375", None),
        ("tcp://host/path", None),
        ("tcp://", None),
    ],
)
def test_an_address_is_read(text: str, address: DockerAddress | None) -> None:
    assert DockerAddress.parse(text) == address


def test_an_origin_has_the_usual_port_of_its_protocol() -> None:
    assert DockerAddress(None, "::1").origin("https") == "https://[::1]:2376"
    assert DockerAddress(None, "host", 1).origin("http") == "http://host:1"
