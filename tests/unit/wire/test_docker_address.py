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
